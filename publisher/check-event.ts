/** By itself, because the validator takes longer to load than all the rest of the publisher. */
export { assertEvent } from "@indelible/schemas/validator.ts";
