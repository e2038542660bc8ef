"""The kinds of meshes and work that are simulated, and how a world of each is drawn.

Everything is drawn by a seed. The work is then scaled so that no policy could be through
before ``SPAN``: what differs from one scenario to the next is not how much there is to do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp
from random import Random

from .machine import NEVER, STEP, Machine, draw_shares
from .world import Ask, Batch, World

SPAN = 600.0
TASKS_PER_NODE = 400
HORIZON = 6000.0  # seconds until which loads are drawn; then they stay
MOST_SLOTS = 8
FAILING = 0.05
COME_BACK = 0.5
AWAY = (30.0, 90.0)
DELAY = (0.0005, 0.0015)
MODEL = "caption"
HAVE_MODEL = 0.1
RECIPES = ("blur ksize=5", "canny low=100 high=200", "resize width=1024", "equalize")
WRONG = (0.5, 0.8, 1.2, 1.5, 1.0)  # a recipe's mean cost over what is declared; last the model's
SIZES = 0.5  # how far pictures' sizes differ: sigma of a log-normal
NOISE = 0.2  # how far tasks cost more or less than their sizes say, likewise
OVERHEAD = 0.1  # of a mean task: what each takes beyond what its size says
RIVAL = 0.4  # a rival's share of the work
RIVAL_COMES = 30.0
LARGER = 3.0  # how large its tasks are beside the others


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of mesh and of work.

    ``spread`` is the fastest node's speed over the slowest's, ``in_use`` the most that
    others use of a machine, ``tail`` exponent and range of a bounded Pareto, ``model``
    the share of the work that needs a model, ``tastes`` how far nodes differ by recipe.
    """

    name: str
    what: str
    spread: float = 4.0
    in_use: float = 0.4
    tail: tuple[float, float] | None = None
    model: float = 0.0
    rival: bool = False
    tastes: float = 0.0


SCENARIOS = (
    Scenario("equal", "equal nodes", spread=1.0),
    Scenario("spread", "speeds 20x apart", spread=20.0),
    Scenario("tail", "heavy-tailed tasks", tail=(1.2, 30.0)),
    Scenario("models", "a model on 10 % of the nodes", model=0.09),
    Scenario("drift", "strongly drifting load", in_use=0.9),
    Scenario("rivals", "two competing batches", rival=True),
)
ALL = (*SCENARIOS, Scenario("tastes", "nodes differ by recipe", tastes=0.35))


def by_name(name: str) -> Scenario:
    """Return a scenario by its name."""
    return next(scenario for scenario in ALL if scenario.name == name)


def draw(scenario: Scenario, nodes: int, seed: int, *, part: float = 1.0) -> World:
    """Draw a mesh of so many nodes, and its work, or a part of that."""
    random = Random(f"{scenario.name} {nodes} {seed}")
    failing = random.sample(range(nodes), round(nodes * FAILING))
    modelled = random.sample(range(nodes), max(1, round(nodes * HAVE_MODEL)))
    machines = [
        _machine(scenario, number, random, fails=number in failing, model=number in modelled)
        for number in range(nodes)
    ]
    world = World(machines, list(_asks(scenario, round(nodes * TASKS_PER_NODE * part), random)))
    world.scale_to(SPAN * part)
    return world


def _machine(
    scenario: Scenario, number: int, random: Random, *, fails: bool, model: bool
) -> Machine:
    down = random.uniform(0.1, 0.9) * SPAN
    away = random.uniform(*AWAY) if random.random() < COME_BACK else NEVER
    return Machine(
        name=f"node{number:05}",
        slots=random.randint(1, MOST_SLOTS),
        speed=scenario.spread ** (random.random() - 0.5),
        shares=draw_shares(random, scenario.in_use, int(HORIZON / STEP)),
        has=frozenset({"blur", MODEL} if model else {"blur"}),
        down=down if fails else NEVER,
        back=down + away if fails else NEVER,
        delay=random.uniform(*DELAY),
        tastes={recipe: _noise(random, scenario.tastes) for recipe in RECIPES},
    )


def _asks(scenario: Scenario, tasks: int, random: Random) -> Iterator[Ask]:
    """Draw what is asked, a run for each recipe: side by side, or two rivals."""
    if scenario.rival:
        few = int(tasks * RIVAL / (LARGER * (1 - RIVAL) + RIVAL))
        yield Ask("studio", _batch(scenario, 0, range(tasks - few), random))
        rival = _batch(scenario, 3, range(tasks - few, tasks), random)
        rival.scale(LARGER * WRONG[0] / WRONG[3])
        yield Ask("attic", rival, starts=RIVAL_COMES)
        return
    plain = int(tasks * (1 - scenario.model)) // len(RECIPES)
    for place, recipe in enumerate(RECIPES):
        numbers = range(plain * place, plain * (place + 1))
        yield Ask(recipe.split()[0], _batch(scenario, place, numbers, random))
    if scenario.model:
        numbers = range(plain * len(RECIPES), tasks)
        model = _batch(scenario, len(RECIPES), numbers, random, frozenset({MODEL}))
        yield Ask(MODEL, model)


def _batch(
    scenario: Scenario,
    place: int,
    numbers: range,
    random: Random,
    needs: frozenset[str] = frozenset(),
) -> Batch:
    declared = [_size(scenario, random) for _ in numbers]
    costs = [WRONG[place] * (one * _noise(random, NOISE) + OVERHEAD) for one in declared]
    recipe = (*RECIPES, MODEL)[place]
    return Batch(recipe, needs or frozenset({"blur"}), numbers.start, declared, costs)


def _size(scenario: Scenario, random: Random) -> float:
    """Draw what a task is declared to cost; the mean is 1."""
    if scenario.tail is None:
        return _noise(random, SIZES)
    exponent, largest = scenario.tail
    drawn = (1 - random.random() * (1 - largest**-exponent)) ** (-1 / exponent)
    mean = exponent / (exponent - 1) * (1 - largest ** (1 - exponent)) / (1 - largest**-exponent)
    return float(drawn / mean)


def _noise(random: Random, sigma: float) -> float:
    """Draw a factor; the mean is 1."""
    return exp(random.gauss(-sigma * sigma / 2, sigma))
