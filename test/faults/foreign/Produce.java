import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Kafka's own producer, which frames snappy, lz4 and zstd as no other client does: Produce BROKERS TOPIC. */
public class Produce {
  public static void main(String[] args) throws Exception {
    for (String codec : new String[] {"gzip", "snappy", "lz4", "zstd"}) {
      Map<String, Object> config =
          Map.of("bootstrap.servers", args[0], "compression.type", codec, "linger.ms", 100, "batch.size", 500_000);
      try (KafkaProducer<byte[], byte[]> producer =
          new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
        for (int n = 0; n < 3000; n++) {
          byte[] value = (codec + " " + n + " padding".repeat(n % 40)).getBytes(StandardCharsets.UTF_8);
          producer.send(new ProducerRecord<>(args[1], 0, null, value));
        }
        producer.flush();
      }
    }
  }
}
