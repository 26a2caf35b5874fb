"""Names that people can say and remember, for runs that were given none."""

from __future__ import annotations

import os

_ADJECTIVES = (
    "agile amber ample bold brave bright brisk calm candid clever copper coral crisp curious daring deep dapper eager"
    " early earnest fair fast fine fleet fond frank free fresh frosty gentle glad golden grand hardy hazel hearty"
    " honest humble ivory jolly keen kind lively loyal lucid lunar mellow merry mighty mild misty modest neat nimble"
    " noble olive patient plucky polite prime proud quick quiet rapid ready robust rosy rustic sandy serene sharp"
    " silver sleek smart smooth snug solar solid spry stable steady stout sunny swift tidy true trusty vivid warm wise"
    " witty young zesty"
).split()
_NOUNS = (
    "acorn alder anchor aspen badger beacon birch bison bobcat brook canyon cedar cliff clover comet condor coyote"
    " crane creek cricket dolphin dove dune eagle egret elk ember falcon fern finch fjord fox gannet gecko glacier"
    " grove gull harbor hare hawk heron hill ibis iris island jackal jay juniper kestrel kite lake lark lemur linden"
    " lynx maple marten meadow mole moose moss newt oak ocelot orca osprey otter owl panda pebble pelican pine plover"
    " puffin quail raven reef ridge river robin rook salmon seal shrew sparrow spruce stork swan tapir tern thistle"
    " thrush tiger toucan trout tulip vale walrus weasel willow wolf wren yak zebra"
).split()


def generate() -> str:
    """A name in MLflow's manner, adjective-noun-number, such as ``brisk-otter-412``. Not necessarily unique."""
    number = int.from_bytes(os.urandom(8), "big")  # the module `random` takes a millisecond to load
    number, adjective = divmod(number, len(_ADJECTIVES))
    number, noun = divmod(number, len(_NOUNS))
    return f"{_ADJECTIVES[adjective]}-{_NOUNS[noun]}-{number % 1000}"
