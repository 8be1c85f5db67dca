/** Offset of a construct's first character in the statement, in UTF-16 units. */
export type Offset = number;

export type Name = { text: string; at: Offset };

export type ScalarTypeName =
  | "STRING"
  | "INT64"
  | "FLOAT64"
  | "BOOL"
  | "BYTES"
  | "TIMESTAMP"
  | "DATE"
  | "DATETIME"
  | "NUMERIC"
  | "JSON";

export type SqlType =
  | { kind: ScalarTypeName }
  | { kind: "ARRAY"; element: SqlType }
  | { kind: "STRUCT"; fields: readonly { name?: string; type: SqlType }[] };

export type BinaryOperator =
  | "OR"
  | "AND"
  | "="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "|"
  | "^"
  | "&"
  | "<<"
  | ">>"
  | "+"
  | "-"
  | "||"
  | "*"
  | "/";

/** What stands in the brackets of an element access. */
export type SubscriptMode = "OFFSET" | "SAFE_OFFSET" | "ORDINAL" | "SAFE_ORDINAL" | "PLAIN";

/** INT64 and FLOAT64 keep the statement's digits; BYTES have one character a byte; typed literals keep their text. */
export type Literal = { kind: "literal"; type: ScalarTypeName | "NULL"; text: string; at: Offset };
export type Path = { kind: "path"; names: readonly [Name, ...Name[]]; at: Offset };
export type Interval = { kind: "interval"; value: Expression; unit: Name; at: Offset };
export type Cast = { kind: "cast"; operand: Expression; type: SqlType; safe: boolean; at: Offset };

export type Call = {
  kind: "call";
  name: string;
  safe: boolean;
  arguments: readonly Expression[];
  star: boolean;
  distinct: boolean;
  nulls?: "IGNORE" | "RESPECT";
  extreme?: { function: "MAX" | "MIN"; by: Expression };
  orderBy: readonly OrderItem[];
  limit?: Expression;
  over?: WindowSpecification;
  at: Offset;
};

export type Expression =
  | Literal
  | Path
  | Call
  | Interval
  | Cast
  | { kind: "parameter"; name?: string; index: number; at: Offset }
  | { kind: "field"; operand: Expression; name: Name; at: Offset }
  | { kind: "subscript"; operand: Expression; index: Expression; mode: SubscriptMode; at: Offset }
  | { kind: "unary"; operator: "-" | "+" | "~" | "NOT"; operand: Expression; at: Offset }
  | { kind: "binary"; operator: BinaryOperator; left: Expression; right: Expression; at: Offset }
  | { kind: "is"; operand: Expression; test: "NULL" | "TRUE" | "FALSE"; negated: boolean; at: Offset }
  | { kind: "distinctFrom"; left: Expression; right: Expression; negated: boolean; at: Offset }
  | { kind: "between"; operand: Expression; low: Expression; high: Expression; negated: boolean; at: Offset }
  | { kind: "like"; operand: Expression; pattern: Expression; negated: boolean; at: Offset }
  | { kind: "inList"; operand: Expression; list: readonly Expression[]; negated: boolean; at: Offset }
  | { kind: "inUnnest"; operand: Expression; array: Expression; negated: boolean; at: Offset }
  | { kind: "inQuery"; operand: Expression; query: Query; negated: boolean; at: Offset }
  | {
      kind: "case";
      operand?: Expression;
      branches: readonly { when: Expression; result: Expression }[];
      otherwise?: Expression;
      at: Offset;
    }
  | { kind: "extract"; part: Expression; operand: Expression; zone?: Expression; at: Offset }
  | { kind: "array"; element?: SqlType; elements: readonly Expression[]; at: Offset }
  | {
      kind: "struct";
      type?: SqlType;
      fields: readonly { name?: string; value: Expression }[];
      at: Offset;
    }
  | { kind: "arrayQuery" | "exists" | "scalarQuery"; query: Query; at: Offset };

export type OrderItem = { value: Expression; descending: boolean; nulls?: "FIRST" | "LAST"; at: Offset };

export type FrameBound =
  | { kind: "unboundedPreceding" | "unboundedFollowing" | "currentRow" }
  | { kind: "preceding" | "following"; distance: Expression };

export type WindowSpecification = {
  base?: Name;
  partitionBy: readonly Expression[];
  orderBy: readonly OrderItem[];
  frame?: { unit: "ROWS" | "RANGE"; start: FrameBound; end?: FrameBound };
  at: Offset;
};

export type SelectItem =
  | {
      kind: "star";
      qualifier?: Expression;
      except: readonly Name[];
      replace: readonly { value: Expression; name: Name }[];
      at: Offset;
    }
  | { kind: "expression"; value: Expression; alias?: Name; at: Offset };

export type JoinType = "CROSS" | "INNER" | "LEFT" | "RIGHT" | "FULL";

export type FromItem =
  | { kind: "table"; path: readonly string[]; alias?: Name; at: Offset }
  | { kind: "subquery"; query: Query; alias?: Name; at: Offset }
  | { kind: "unnest"; array: Expression; alias?: Name; offset?: Name; at: Offset }
  | {
      kind: "join";
      type: JoinType;
      left: FromItem;
      right: FromItem;
      on?: Expression;
      using: readonly Name[];
      at: Offset;
    };

export type Select = {
  kind: "select";
  distinct: boolean;
  items: readonly SelectItem[];
  from?: FromItem;
  where?: Expression;
  groupBy?: "ALL" | readonly Expression[];
  having?: Expression;
  qualify?: Expression;
  windows: readonly { name: Name; specification: WindowSpecification }[];
  at: Offset;
};

export type SetOperator = "UNION ALL" | "UNION DISTINCT" | "INTERSECT DISTINCT" | "EXCEPT DISTINCT";

export type QueryBody =
  | Select
  | { kind: "set"; operator: SetOperator; operands: readonly QueryBody[]; at: Offset }
  | { kind: "nested"; query: Query; at: Offset };

export type Query = {
  commonTables: readonly { name: Name; query: Query }[];
  body: QueryBody;
  orderBy: readonly OrderItem[];
  limit?: Expression;
  offset?: Expression;
  at: Offset;
};
