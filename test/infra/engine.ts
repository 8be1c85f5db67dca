/** The other side of Pulumi's language runtime, as far as a preview of a new stack needs it: everything is to be made, and nothing is known of it yet. */
import { createRequire } from "node:module";
import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from "@grpc/grpc-js";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb.js";
import type {
  RegisterResourceRequest,
  RegisterResourceResponse,
  ResourceInvokeRequest,
  ResourceInvokeResponse,
  SupportsFeatureRequest,
  SupportsFeatureResponse,
} from "@pulumi/pulumi/proto/resource_pb.js";
import { answerTo } from "../../infra/mock-cloud.ts";

const load = createRequire(createRequire(import.meta.url).resolve("@pulumi/pulumi/package.json"));
const { ResourceMonitorService } = load(
  "./proto/resource_grpc_pb.js",
) as typeof import("@pulumi/pulumi/proto/resource_grpc_pb.js");
const { EngineService } = load("./proto/engine_grpc_pb.js") as typeof import("@pulumi/pulumi/proto/engine_grpc_pb.js");
const resources = load("./proto/resource_pb.js") as typeof import("@pulumi/pulumi/proto/resource_pb.js");
const engines = load("./proto/engine_pb.js") as typeof import("@pulumi/pulumi/proto/engine_pb.js");
const structs = load(
  "google-protobuf/google/protobuf/struct_pb.js",
) as typeof import("google-protobuf/google/protobuf/struct_pb.js");
const empties = load(
  "google-protobuf/google/protobuf/empty_pb.js",
) as typeof import("google-protobuf/google/protobuf/empty_pb.js");

export interface PreviewEngine {
  /** As host:port. */
  readonly address: string;
  /** Type and name of each resource that the program has asked for. */
  readonly registered: readonly string[];
  /** What the runtime has complained of. */
  readonly errors: readonly string[];
  close(): void;
}

export async function previewEngine(): Promise<PreviewEngine> {
  const registered: string[] = [];
  const errors: string[] = [];
  const empty = (
    _call: ServerUnaryCall<unknown, unknown>,
    answer: sendUnaryData<InstanceType<typeof empties.Empty>>,
  ): void => answer(null, new empties.Empty());
  const server = new Server();
  server.addService(ResourceMonitorService, {
    supportsFeature(
      { request }: ServerUnaryCall<SupportsFeatureRequest, SupportsFeatureResponse>,
      answer: sendUnaryData<SupportsFeatureResponse>,
    ) {
      answer(null, new resources.SupportsFeatureResponse().setHassupport(request.getId() === "resourceReferences"));
    },
    registerResource(
      { request }: ServerUnaryCall<RegisterResourceRequest, RegisterResourceResponse>,
      answer: sendUnaryData<RegisterResourceResponse>,
    ) {
      const [type, name] = [request.getType(), request.getName()];
      registered.push(`${type} ${name}`);
      // No ID, as in a preview: it is not known before the resource is there.
      answer(
        null,
        new resources.RegisterResourceResponse()
          .setUrn(`urn:pulumi:s::p::${type}::${name}`)
          .setObject(request.getObject()),
      );
    },
    registerResourceOutputs: empty,
    signalAndWaitForShutdown: empty,
    invoke(
      { request }: ServerUnaryCall<ResourceInvokeRequest, ResourceInvokeResponse>,
      answer: sendUnaryData<ResourceInvokeResponse>,
    ) {
      const asked = request.getArgs()?.toJavaScript() ?? {};
      const found = structs.Struct.fromJavaScript({ ...answerTo(request.getTok(), asked) } as {
        [name: string]: string;
      });
      answer(null, new resources.ResourceInvokeResponse().setReturn(found));
    },
  });
  let root = "";
  server.addService(EngineService, {
    log({ request }: ServerUnaryCall<LogRequest, unknown>, answer: sendUnaryData<InstanceType<typeof empties.Empty>>) {
      if (request.getSeverity() >= engines.LogSeverity.ERROR) errors.push(request.getMessage());
      answer(null, new empties.Empty());
    },
    setRootResource(
      { request }: ServerUnaryCall<InstanceType<typeof engines.SetRootResourceRequest>, unknown>,
      answer: sendUnaryData<InstanceType<typeof engines.SetRootResourceResponse>>,
    ) {
      root = request.getUrn();
      answer(null, new engines.SetRootResourceResponse());
    },
    getRootResource(
      _call: ServerUnaryCall<unknown, unknown>,
      answer: sendUnaryData<InstanceType<typeof engines.GetRootResourceResponse>>,
    ) {
      answer(null, new engines.GetRootResourceResponse().setUrn(root));
    },
  });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
    error === null ? resolve(port) : reject(error),
  );
  return { address: `127.0.0.1:${await promise}`, registered, errors, close: () => server.forceShutdown() };
}
