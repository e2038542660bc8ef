"""What node and owner have in common: a session with the broker, kept as a Connection does."""

from abc import ABC, abstractmethod

from pixmesh.broker import wire
from pixmesh.broker.keys import member_of
from pixmesh.broker.leases import BEAT, LEASE
from pixmesh.broker.messages import Error, Hello, MemberId, Message, Welcome
from pixmesh.tests.support.clock import Clock

from .net import BROKER, Letter, Net

HELLO_AGAIN = 1.0
TICK = 0.25


class FakeMember(ABC):
    """A member with a session. Subclasses say what they hear, say and do in a turn.

    Its ``clock`` may be another than the network's; ``key`` is its identity, else its name.
    """

    role = "owner"

    def __init__(
        self, name: str, net: Net, *, boot: int, clock: Clock | None = None, key: str = ""
    ) -> None:
        self.name = name
        self.key = (key or name).encode().ljust(32, b".")
        self.id = MemberId(member_of(self.key))
        self.boot = boot.to_bytes(8, "big")
        self.net = net
        self.clock = clock or net.clock
        self.alive = True
        self.welcomed = False
        self.refused = False
        self._heard_at = self.clock.now
        self._greeted_at = float("-inf")
        self._beat_at = float("-inf")
        net.peers[self.id] = self
        self.clock.after(0.0, self._tick)

    # ---- what a subclass is ---------------------------------------------------------

    def hello(self) -> Hello:
        return Hello(
            role=self.role,
            name=self.name,
            key=self.key,
            boot=self.boot,
            lowest=wire.LOWEST_VERSION,
            highest=wire.HIGHEST_VERSION,
        )

    @abstractmethod
    def session_began(self, broker: bytes) -> None: ...

    @abstractmethod
    def heard(self, letter: Letter) -> None: ...

    @abstractmethod
    def beat(self) -> None: ...

    @abstractmethod
    def turn(self) -> None: ...

    # ---- life -----------------------------------------------------------------------

    def die(self) -> None:
        """End without a word."""
        self.alive = False
        self.net.remove(self)

    def freeze(self, seconds: float) -> None:
        """Stand still, as under SIGSTOP, and go on after so many seconds."""
        if self.alive:
            self.net.freeze(self.id)
            self.clock.after(seconds, self._thaw)

    @property
    def frozen(self) -> bool:
        return self.net.is_frozen(self.id)

    def _thaw(self) -> None:
        if self.alive:
            self.net.thaw(self.id)

    # ---- the session ----------------------------------------------------------------

    def say(self, message: Message) -> bool:
        self.net.send(BROKER, Letter(self, message))
        return True

    def send_to(
        self, member: MemberId, message: Message, payload: wire.Buffer | None = None
    ) -> bool:
        """Say something to another member, as ``Connection.send_to`` does."""
        if not self.welcomed:
            return False
        self.net.send(member, Letter(self, message, payload, relayed=True))
        return True

    def hear(self, letter: Letter) -> None:
        if letter.relayed:
            self.heard(letter)
        else:
            self._heard_at = self.clock.now
            self._hear_broker(letter)
        self.turn()

    def _hear_broker(self, letter: Letter) -> None:
        match letter.message:
            case Welcome():
                self.welcomed = True
                self._beat_at = float("-inf")
                self.session_began(letter.message.boot)
            case Error(code="no-session"):
                if self.welcomed:
                    self._greet()
            case Error():
                self.refused = True
            case _ if self.welcomed:
                self.heard(letter)
            case _:
                pass  # said in a session that is over

    def _greet(self) -> None:
        self.welcomed = False
        self._greeted_at = self.clock.now
        self.say(self.hello())

    def _tick(self) -> None:
        if not self.alive:
            return
        self.clock.after(TICK, self._tick)
        if self.frozen:
            return
        now = self.clock.now
        if self.welcomed and now - self._heard_at > LEASE:
            self.welcomed, self._heard_at = False, now
        if not self.welcomed and now - self._greeted_at >= HELLO_AGAIN:
            self._greet()
        if self.welcomed and now - self._beat_at >= BEAT:
            self._beat_at = now
            self.beat()
        self.turn()
