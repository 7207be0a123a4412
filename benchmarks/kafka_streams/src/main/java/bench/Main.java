package bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KafkaStreams.State;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.processor.StateRestoreListener;

/**
 * Runs the job when it is told to, so that one warm process can run it several times.
 *
 * <p>Arguments: window (ms), grace (ms), then any of Kafka Streams' settings as name=value.
 * Commands on stdin, a line each: {@code run APP_ID INPUT OUTPUT STATE_DIR}, answered by
 * {@code running MILLISECONDS}, and {@code stop}, answered by {@code stopped}. Ends with stdin.
 */
public final class Main {
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(20);

    private Main() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        Duration window = Duration.ofMillis(Long.parseLong(arguments[0]));
        Duration grace = Duration.ofMillis(Long.parseLong(arguments[1]));
        Properties settings = new Properties();
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        for (int i = 2; i < arguments.length; i++) {
            String[] pair = arguments[i].split("=", 2);
            settings.put(pair[0], pair[1]);
        }
        KafkaStreams streams = null;
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] words = line.split(" ");
            if (words[0].equals("run")) {
                settings.put(StreamsConfig.APPLICATION_ID_CONFIG, words[1]);
                settings.put(StreamsConfig.STATE_DIR_CONFIG, words[4]);
                streams = new KafkaStreams(
                    Hashtags.topology(words[2], words[3], window, grace), settings);
                start(streams);
            } else {
                stop(streams);
                System.out.println("stopped");
            }
        }
        stop(streams);
        // Stream threads that could not be closed in time must not keep the process alive.
        System.exit(0);
    }

    private static void start(KafkaStreams streams) throws InterruptedException {
        CountDownLatch running = new CountDownLatch(1);
        streams.setStateListener((now, before) -> {
            if (now == State.RUNNING) {
                running.countDown();
            }
            if (now == State.ERROR) {
                System.exit(1);
            }
        });
        streams.setGlobalStateRestoreListener(new RestoreReport());
        long began = System.nanoTime();
        streams.start();
        running.await();
        System.out.println("running " + (System.nanoTime() - began) / 1_000_000);
    }

    private static void stop(KafkaStreams streams) {
        if (streams != null) {
            streams.close(CLOSE_TIMEOUT);
        }
    }

    /** Prints how many records each store was restored from: {@code restored STORE RECORDS}. */
    private static final class RestoreReport implements StateRestoreListener {
        @Override
        public void onRestoreStart(TopicPartition tp, String store, long from, long to) {}

        @Override
        public void onBatchRestored(TopicPartition tp, String store, long offset, long records) {}

        @Override
        public void onRestoreEnd(TopicPartition tp, String store, long records) {
            if (records > 0) {
                System.out.println("restored " + store + " " + records);
            }
        }
    }
}
