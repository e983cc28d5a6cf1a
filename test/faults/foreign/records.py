"""What other clients write and read, for broker-bytes.test.ts: librdkafka by confluent-kafka.

  records.py codecs BROKERS TOPIC            a batch or more of every codec
  records.py transactions BROKERS TOPIC SEED two producers, interleaved, some aborted, one that never ends one
  records.py large BROKERS TOPIC             1 MB and 8 MB values, null and empty ones
  records.py tiny BROKERS TOPIC              one batch of 300,000 records
  records.py read BROKERS TOPIC              a line "partition offset key value" a record, as read_committed, both as SHA-256
"""
import hashlib
import random
import sys

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

command, brokers, topic = sys.argv[1:4]
base = {"bootstrap.servers": brokers, "message.max.bytes": 16000000, "enable.idempotence": True}


def digest(data):
    return "-" if data is None else hashlib.sha256(data).hexdigest()


def send(producer, *records):
    for key, value in records:
        producer.produce(topic, key=key, value=value, partition=0, headers=[("h", b"1"), ("none", None)])
    producer.flush()


def codecs():
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
        producer = Producer({**base, "compression.type": codec, "linger.ms": 50, "batch.size": 4000000})
        send(producer, *((f"{codec}-{n}".encode(), random.Random(n).randbytes(n % 50) + b"pad" * n) for n in range(1500)))


def transactions():
    generator = random.Random(int(sys.argv[4]))
    producers = [Producer({**base, "transactional.id": f"{topic}-{n}", "compression.type": codec}) for n, codec in enumerate(["zstd", "none", "lz4"])]
    for producer in producers:
        producer.init_transactions()
        producer.begin_transaction()
    plain = Producer(base)
    for step in range(150):
        producer = generator.choice(producers[:2])
        for n in range(generator.randint(1, 4)):
            send(producer, (b"k%d" % step, b"transactional %d.%d" % (step, n)))
        if generator.random() < 0.2:
            send(plain, (None, b"plain %d" % step))
        if generator.random() < 0.3:
            (producer.abort_transaction if generator.random() < 0.6 else producer.commit_transaction)()
            producer.begin_transaction()
    for producer in producers[:2]:
        producer.commit_transaction()
    # The last one never ends: what follows it is not delivered by anyone.
    send(producers[2], (b"open", b"open"))
    send(plain, (None, b"behind the open transaction"))


def large():
    producer = Producer({**base, "compression.type": "lz4"})
    generator = random.Random(1)
    send(producer, (None, b""), (b"", None), (b"k", generator.randbytes(8_000_000)), (b"k", b"small"))
    send(producer, *((b"%d" % n, generator.randbytes(1_000_000)) for n in range(6)))
    send(Producer({**base, "compression.type": "zstd"}), (b"k", b"z" * 8_000_000), (None, b"end"))


def tiny():
    limits = {"batch.num.messages": 300_000, "queue.buffering.max.messages": 300_000, "batch.size": 15_000_000}
    producer = Producer({**base, **limits, "linger.ms": 60_000})
    for n in range(300_000):
        producer.produce(topic, value=str(n), partition=0)
    producer.flush()


def read():
    consumer = Consumer({**base, "group.id": "none", "isolation.level": "read_committed", "check.crcs": True, "enable.partition.eof": True, "enable.auto.commit": False, "fetch.message.max.bytes": 16000000})
    consumer.assign([TopicPartition(topic, 0, 0)])
    while True:
        message = consumer.poll(30)
        if message is None:
            raise SystemExit("nothing more came, and no end")
        if message.error():
            if message.error().code() == KafkaError._PARTITION_EOF:
                break
            raise SystemExit(str(message.error()))
        print(message.partition(), message.offset(), digest(message.key()), digest(message.value()))
    consumer.close()


{"codecs": codecs, "transactions": transactions, "large": large, "tiny": tiny, "read": read}[command]()
