// Usage: node send.mjs udp|http PORT COUNT: that many spans, each but the first a child of the first and from the one before.
import jaeger from "jaeger-client";
import opentracing from "opentracing";
import { setTimeout } from "node:timers/promises";

const [transport, port, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const to = {
  udp: { agentHost: "127.0.0.1", agentPort: port },
  http: { collectorEndpoint: `http://127.0.0.1:${port}/api/traces` },
}[transport];
// The client's own figures say how many spans are sent: closing it would break off what is on its way.
let sent = 0;
const increment = (by) => (sent += by);
const metrics = {
  createCounter: (name, tags) =>
    name === "jaeger:reporter_spans" && tags.result === "ok" ? { increment } : { increment() {} },
  createGauge: () => ({ update() {} }),
  createTimer: () => ({ record() {} }),
};
const tracer = jaeger.initTracer(
  { serviceName: "shop", sampler: { type: "const", param: 1 }, reporter: { ...to, flushIntervalMs: 20 } },
  { metrics, tags: { "shop.branch": "north" } },
);
const { Tags } = opentracing;

const root = tracer.startSpan("order", { tags: { [Tags.SPAN_KIND]: "server", number: 0 } });
let before = root;
for (let number = 1; number < count; number++) {
  const references = [opentracing.childOf(root.context()), opentracing.followsFrom(before.context())];
  const tags = { [Tags.SPAN_KIND]: "client", [Tags.ERROR]: number % 2 === 1, number, ratio: 0.5, paid: true };
  const span = tracer.startSpan("query", { references, tags });
  span.log({ event: "packed", boxes: 2 });
  span.finish();
  before = span;
}
root.finish();
while (sent < count) {
  await setTimeout(10);
}
tracer.close();
