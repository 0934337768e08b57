"""City packs: a folder of YAML and GeoJSON that describes a city, each file with a JSON Schema.

Offers `read` (checks everything, names every fault by file and line), `load` (whole or not at all,
again without harm) and `export` (writes the registry out so that it can be loaded again).
"""

from gongzhi.registry.packs.exporting import export
from gongzhi.registry.packs.faults import Fault, PackInvalid
from gongzhi.registry.packs.loading import load
from gongzhi.registry.packs.reading import Pack, read, schema

__all__ = ["Fault", "Pack", "PackInvalid", "export", "load", "read", "schema"]
