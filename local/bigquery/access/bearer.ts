/** The token of an `authorization` header; undefined when there is none. Another scheme than Bearer is a token that nobody has. */
export function bearerToken(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  return /^bearer +(\S+) *$/i.exec(header)?.[1] ?? "";
}

/** What Google answers to a token that nobody has. */
export const invalidCredentials: string =
  "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid " +
  "authentication credential. Here: a token of the warehouse's access policy, as Authorization: Bearer TOKEN.";

/** What Google answers when there is no token and there must be one. */
export const missingCredentials: string =
  "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid " +
  "authentication credential. Here: a token of the warehouse's access policy, as Authorization: Bearer TOKEN.";
