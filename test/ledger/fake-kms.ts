import { createPublicKey, sign, type KeyObject } from "node:crypto";
import { crc32c } from "@indelible/ledger/crc32c.ts";
import type { KmsClient } from "@indelible/ledger/kms-signer.ts";

export type PublicKey = Awaited<ReturnType<KmsClient["getPublicKey"]>>[0];
export type Signed = Awaited<ReturnType<KmsClient["asymmetricSign"]>>[0];

/** Cloud KMS with a key for each name, whose answers a test changes. `failures` are thrown first, one a call. */
export class FakeKms implements KmsClient {
  changeKey: (answer: PublicKey) => PublicKey = (answer) => answer;
  changeSigned: (answer: Signed) => Signed = (answer) => answer;
  readonly failures: unknown[] = [];
  calls = 0;
  readonly #keyOf: (name: string) => KeyObject;

  constructor(keyOf: (name: string) => KeyObject) {
    this.#keyOf = keyOf;
  }

  async getPublicKey({ name }: { readonly name: string }): Promise<[PublicKey]> {
    this.#call();
    const pem = createPublicKey(this.#keyOf(name)).export({ format: "pem", type: "spki" }).toString();
    const pemCrc32c = { value: String(crc32c(Buffer.from(pem))) };
    return [this.changeKey({ name, algorithm: "EC_SIGN_ED25519", pem, pemCrc32c })];
  }

  async asymmetricSign(request: Parameters<KmsClient["asymmetricSign"]>[0]): Promise<[Signed]> {
    this.#call();
    const signature = sign(null, request.data, this.#keyOf(request.name));
    return [
      this.changeSigned({
        name: request.name,
        signature,
        signatureCrc32c: { value: String(crc32c(signature)) },
        verifiedDataCrc32c: request.dataCrc32c.value === crc32c(request.data),
      }),
    ];
  }

  #call(): void {
    this.calls += 1;
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
  }
}
