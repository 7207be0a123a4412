package bench;

import java.time.Duration;
import java.util.Locale;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.Suppressed.BufferConfig;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The job as a Kafka Streams program: counts of hashtags in tumbling windows, finals logged. */
final class Hashtags {
    private static final Logger LOG = LoggerFactory.getLogger(Hashtags.class);
    private static final long MIN_MENTIONED_IN_WINDOW = 4;

    private Hashtags() {}

    static Topology topology(String input, String output, Duration window, Duration grace) {
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(input, Consumed.with(Serdes.String(), Serdes.String()))
            .filter((key, hashtag) -> hashtag != null && hashtag.length() > 1)
            .mapValues(hashtag -> hashtag.toLowerCase(Locale.ROOT).trim())
            .selectKey((key, hashtag) -> hashtag)
            .groupByKey(Grouped.with(Serdes.String(), Serdes.String()))
            .windowedBy(TimeWindows.ofSizeAndGrace(window, grace))
            .count(Materialized.as("hashtag_counts"))
            .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
            .toStream()
            .filter((hashtag, count) -> count > MIN_MENTIONED_IN_WINDOW)
            .peek(Hashtags::log)
            .process(Finals::new)
            .to(output, Produced.with(Serdes.String(), Serdes.String()));
        return builder.build();
    }

    /** As the Python job logs it. */
    private static void log(Windowed<String> hashtag, long count) {
        LOG.info("#{} was mentioned {} times from {} to {}",
            hashtag.key(), count, hashtag.window().start(), hashtag.window().end());
    }

    /** Writes a final result as the Python job does: as JSON, stamped by the window's last ms. */
    private static final class Finals
            extends ContextualProcessor<Windowed<String>, Long, String, String> {
        @Override
        public void process(Record<Windowed<String>, Long> closed) {
            String hashtag = closed.key().key();
            long start = closed.key().window().start();
            long end = closed.key().window().end();
            String json = "{\"hashtag\": \"" + escaped(hashtag) + "\", \"count\": " + closed.value()
                + ", \"window_start\": " + start + ", \"window_end\": " + end + "}";
            context().forward(new Record<>(hashtag, json, end - 1));
        }

        private static String escaped(String text) {
            StringBuilder quoted = new StringBuilder(text.length() + 8);
            for (int i = 0; i < text.length(); i++) {
                char c = text.charAt(i);
                if (c == '"' || c == '\\') {
                    quoted.append('\\').append(c);
                } else if (c < ' ') {
                    quoted.append(String.format("\\u%04x", (int) c));
                } else {
                    quoted.append(c);
                }
            }
            return quoted.toString();
        }
    }
}
