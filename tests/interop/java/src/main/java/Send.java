import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.concurrent.TimeUnit;

/**
 * Usage: Send COUNT PADDING: for every line on standard input that many spans and log records, and as much of a
 * counter; each span with so many bytes of padding. Says "sent" when they are.
 *
 * <p>The SDK is told all else by its own variables, but for: SEND_EACH, a request for each span, all at one time;
 * SEND_KEEPALIVE, seconds between pings, on a channel of our own, with binary metadata.
 */
public final class Send {
  private static SpanExporter spans;

  public static void main(String[] arguments) throws Exception {
    int count = Integer.parseInt(arguments[0]);
    String padding = "x".repeat(Integer.parseInt(arguments[1]));
    OpenTelemetrySdk sdk = AutoConfiguredOpenTelemetrySdk.builder()
        .addSpanExporterCustomizer((exporter, config) -> spans = onOwnChannel(exporter))
        .addSpanProcessorCustomizer((processor, config) ->
            System.getenv("SEND_EACH") == null ? processor : SimpleSpanProcessor.create(spans))
        .build()
        .getOpenTelemetrySdk();

    var tracer = sdk.getTracer("interop");
    var orders = sdk.getMeter("interop").counterBuilder("orders").build();
    var logger = sdk.getLogsBridge().get("interop");
    AttributeKey<Long> key = AttributeKey.longKey("number");
    var lines = new BufferedReader(new InputStreamReader(System.in));
    long number = 0;
    while (lines.readLine() != null) {
      for (long end = number + count; number < end; number++) {
        tracer.spanBuilder("order")
            .setAttribute(key, number)
            .setAttribute("ratio", 0.5)
            .setAttribute("paid", true)
            .setAttribute(AttributeKey.stringArrayKey("tags"), java.util.List.of("a", "b"))
            .setAttribute("padding", padding)
            .startSpan()
            .addEvent("packed", Attributes.of(AttributeKey.longKey("boxes"), 2L))
            .end();
        orders.add(1);
        logger.logRecordBuilder().setBody("order " + number).setAttribute(key, number).emit();
      }
      sdk.getSdkTracerProvider().forceFlush().join(60, TimeUnit.SECONDS);
      sdk.getSdkMeterProvider().forceFlush().join(60, TimeUnit.SECONDS);
      sdk.getSdkLoggerProvider().forceFlush().join(60, TimeUnit.SECONDS);
      System.out.println("sent");
    }
    sdk.close();
  }

  private static SpanExporter onOwnChannel(SpanExporter exporter) {
    String seconds = System.getenv("SEND_KEEPALIVE");
    if (seconds == null) {
      return exporter;
    }
    Metadata metadata = new Metadata();
    metadata.put(Metadata.Key.of("shop-bin", Metadata.BINARY_BYTE_MARSHALLER), new byte[] {0, 1, (byte) 255});
    ManagedChannel channel =
        NettyChannelBuilder.forTarget(System.getenv("OTEL_EXPORTER_OTLP_ENDPOINT").replace("http://", "dns:///"))
            .usePlaintext()
            .keepAliveTime(Long.parseLong(seconds), TimeUnit.SECONDS)
            .keepAliveWithoutCalls(true)
            .intercept(MetadataUtils.newAttachHeadersInterceptor(metadata))
            .build();
    return ((OtlpGrpcSpanExporter) exporter).toBuilder().setChannel(channel).build();
  }
}
