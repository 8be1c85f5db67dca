/** Who sent a request, and what he may do, in the words of BigQuery's IAM. */
export type Caller = {
  /** An account, as an e-mail address. */
  readonly principal: string;
  /** Whether he holds a permission on the project, on a dataset, or on a table; what is held on the larger is held on the smaller. */
  allows(permission: string, resource?: { readonly datasetId: string; readonly tableId?: string }): boolean;
};

/** Where a request came from, for the audit log. */
export type RequestOrigin = { readonly ip: string; readonly userAgent: string };

/** The caller of a warehouse that has no policy: everybody may do everything. */
export const everybody: Caller = { principal: "anonymous@localhost", allows: () => true };
