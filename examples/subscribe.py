"""Follows a clean topic from its beginning and prints each change of a key as a line of JSON.

    pip install "confluent-kafka[avro,schemaregistry]"
    python3 subscribe.py goodreads.books.clean [BROKERS] [REGISTRY] [GROUP]
"""

import json
import signal
import sys

from confluent_kafka import DeserializingConsumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer

defaults = ["goodreads.books.clean", "127.0.0.1:9092", "http://127.0.0.1:8081/apis/ccompat/v7", "my-subscriber-py"]
given = sys.argv[1:]
topic, brokers, registry, group = given + defaults[len(given) :]

consumer = DeserializingConsumer(
    {
        "bootstrap.servers": brokers,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "value.deserializer": AvroDeserializer(SchemaRegistryClient({"url": registry})),
    }
)
consumer.subscribe([topic])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
try:
    while True:
        message = consumer.poll(0.5)
        if message is None:
            continue
        if message.error():
            raise SystemExit(str(message.error()))
        headers = {name: value.decode() for name, value in message.headers() or []}
        change = {
            "key": message.key().decode(),
            "value": message.value(),  # None: the key was deleted.
            "order": headers.get("readflow.order"),
            "hash": headers.get("readflow.hash"),
        }
        # Store it under its key together with order and hash, and then commit: should this program die in between, it gets the
        # change once more, and order and hash are those that are stored then.
        print(json.dumps(change, default=str), flush=True)
        consumer.commit(message, asynchronous=False)
finally:
    consumer.close()
