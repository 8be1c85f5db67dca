import { anyCase, EDGE, SLASHES, STRICT_EDGE } from "./boundary.ts";
import type { Pattern } from "./rule.ts";

const space = String.raw`(?:[ \t]|%20|\+|\\+[tnr])`;
// In JSON, a tab or a line feed is a backslash and a letter.
const spaceHint = String.raw`(?:[ +]|%20|\\+[tnr])`;

/** Whatever is no plain token: by its form, or by a word that stands before it. */
export const patterns: readonly Pattern[] = [
  {
    kind: "jwt",
    // Three parts joined by dots; of one that was cut off in its first part, the beginnings of usual headers.
    source: String.raw`eyJ(?:(?<=${STRICT_EDGE}eyJ)[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*){0,3}|(?<=${EDGE}eyJ)(?:hbGci|0eXAi|raWQi|lbmMi|jdHki)[\w-]*(?:\.[\w-]*){0,4})`,
    first: "J",
    rest: String.raw`(?<=eyJ)[\w-]{4}`,
  },
  {
    kind: "bearer",
    // Long, or with a digit: `bearer of news` is neither.
    source: String.raw`(${anyCase("bearer")}(?<=${EDGE}${anyCase("bearer")})${space}{1,4})(?:(?=[A-Za-z._~+/=-]{0,30}\d)[\w.~+/=-]{12,}|[\w.~+/=-]{24,})`,
    first: "[bB]",
    rest: String.raw`${anyCase("earer")}${spaceHint}{1,4}[\w.~+/=-]{12}`,
  },
  {
    kind: "basic",
    source: String.raw`(${anyCase("basic")}(?<=${EDGE}${anyCase("basic")})${space}{1,4})[A-Za-z0-9+/_-]{8,}={0,2}`,
    first: "[bB]",
    rest: String.raw`${anyCase("asic")}${spaceHint}{1,4}[A-Za-z0-9+/_-]{8}`,
    accepts: isUserAndPassword,
  },
  {
    kind: "basic",
    // curl -u user:password
    source: String.raw`([ \t]-(?:u|-user)[ =]?["']?[^\s:"'\\]{1,128}:)[^\s"'\\]{1,256}`,
    first: "-",
    rest: `(?<=[ t]-)(?:u|-user)`,
    accepts: (_, before) => /\bcurl\b/.test(before),
  },
  {
    kind: "url-password",
    // A port is no password: `host:80?x=a@b`. Of a user without a password, a long one is a token.
    source: String.raw`(:${SLASHES}(?:[^\x00-\x20\x7f\s:@/?#"'<>\\]{0,256}:)?)(?!\d{1,5}[?#])(?:(?<=:)[^\x00-\x20\x7f\s/"'<>\\]{1,256}|(?<=\/\\{0,7})[\w.~%+-]{20,256})(?=@)`,
    first: ":",
    rest: String.raw`${SLASHES}[^\s@/"<>\\]{0,520}@`,
  },
  {
    kind: "signed-url",
    source: String.raw`((?:[?&;]|\\u0026)(?:sig|[Ss]ignature|X-(?:Amz|Goog)-(?:Signature|Security-Token))=)[A-Za-z0-9%+/=_.~-]{8,}`,
    first: "=",
    rest: String.raw`(?<=[sS]ig(?:nature)?=|Token=)[A-Za-z0-9%+/=_.~-]{8}`,
  },
  {
    kind: "slack",
    source: String.raw`(hooks\.slack\.com\\{0,7}\/(?:services|workflows|triggers)\\{0,7}\/)[\w/\\-]{4,}(?<!\\)`,
    first: String.raw`\.`,
    rest: String.raw`(?<=hooks\.)slack\.com`,
  },
  {
    kind: "discord",
    source: String.raw`(\.com\\{0,7}\/api\\{0,7}\/(?:v\d{1,2}\\{0,7}\/)?webhooks\\{0,7}\/\d{5,25}\\{0,7}\/)[\w-]{6,}`,
    first: String.raw`\.`,
    rest: String.raw`com\\{0,14}\/api\\{0,14}\/[\w/\\]{0,40}webhooks`,
  },
  {
    kind: "discord",
    source: String.raw`(\.)(?<=${STRICT_EDGE}[MNO][\w-]{23,27}\.)[\w-]{6}\.[\w-]{20,}`,
    first: String.raw`\.`,
    rest: String.raw`[\w-]{6}\.[\w-]{20}`,
  },
  {
    kind: "telegram",
    source: String.raw`(:)(?<=(?<!\d)\d{6,12}:)A[\w-]{30,}`,
    first: ":",
    rest: String.raw`A[\w-]{30}`,
  },
  {
    kind: "twilio",
    source: `SK(?<=${EDGE}SK)[0-9a-f]{24,32}(?![0-9A-Za-z])`,
    first: "K",
    rest: `(?<=SK)[0-9a-f]{24}`,
  },
  {
    kind: "google",
    source: String.raw`AIza(?<=${EDGE}AIza)[\w-]{8,}`,
    first: "z",
    rest: String.raw`(?<=AIz)a[\w-]{8}`,
  },
  {
    kind: "google",
    source: String.raw`\/\/0(?<=${EDGE}1\/\/0)[\w-]{12,}`,
    first: String.raw`\/`,
    rest: String.raw`(?<=1\/)\/0[\w-]{12}`,
  },
  {
    kind: "databricks",
    source: `dapi(?<=${EDGE}dapi)[0-9a-f]{16,}`,
    first: "p",
    rest: `(?<=dap)i[0-9a-f]{16}`,
  },
  {
    kind: "atlassian",
    source: String.raw`ATATT3(?<=${EDGE}ATATT3)[\w-]{8,}=?[0-9A-F]*`,
    first: "T",
    rest: String.raw`(?<=ATAT)T3[\w-]{8}`,
  },
  {
    kind: "azure",
    source: String.raw`${STRICT_EDGE}[\w.~]{3}\dQ~[\w.~-]{12,}`,
    first: "~",
    rest: String.raw`(?<=\dQ~)[\w.~-]{12}`,
  },
  {
    kind: "aws",
    // A secret access key has no form of its own, only a length: by its name, or by its ID, close before it.
    source: String.raw`((?:[sS]ecret|SECRET|aws|AWS|A[KS]IA[A-Z0-9]{16})\w{0,24}(?:[ .-]\w{1,12}){0,3}[^\w/+]{1,14}(?:None[^\w/+]{1,6})?)[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])`,
    first: "[cCwWI]",
    rest: String.raw`(?:(?<=[sS]ec)ret|(?<=SEC)RET|(?<=aw)s|(?<=AW)S|(?<=A[KS]I)A)[^]{0,200}?[A-Za-z0-9/+]{40}`,
    accepts: (secret) => /[a-z]/.test(secret) && /[A-Z]/.test(secret),
  },
  {
    kind: "aws",
    source: `A(?:[KS]|B)IA(?<=${EDGE}A[KSB]IA)[A-Z0-9]{8,}`,
    first: "I",
    rest: `(?<=A[KSB]I)A[A-Z0-9]{8}`,
  },
  {
    kind: "aws",
    source: `ABSK(?<=${EDGE}ABSK)[A-Za-z0-9+/]{20,}={0,2}`,
    first: "K",
    rest: `(?<=ABSK)[A-Za-z0-9+/]{20}`,
  },
];

/** Whether `text` is Base64 of user:password: of `basic understanding` it is not. */
function isUserAndPassword(text: string): boolean {
  const decoded = Buffer.from(text.slice(0, 1024), "base64").toString("latin1");
  return /^[\x20-\x39\x3b-\x7e\x80-\xff]*:[\x20-\x7e\x80-\xff]*$/.test(decoded);
}
