"""conda calls the package msgpack-python; the index of Python packages calls it msgpack."""

import msgpack
import tabulate

packed = msgpack.packb({"conda": "msgpack-python", "index": "msgpack"})
print(tabulate.tabulate(msgpack.unpackb(packed).items(), headers=["where", "name"]))
