# SPDX-License-Identifier: Apache-2.0
"""Silence counts only where those who could have heard are known to have written it."""

from dataclasses import replace

from hummingbird.domain.hearing import (
    GatewayRecord,
    ListeningClock,
    Presence,
    Standstill,
    hearing_of,
)


def record(name: str = "one", *, clock: float = 100.0, **said: float) -> GatewayRecord:
    return GatewayRecord(
        name=name,
        incarnation="i",
        clock=clock,
        listening_since=said.get("since", 0.0),
        complete=said.get("complete", clock),
        gone_after=10.0,
    )


def test_where_nobody_ever_listened_no_silence_is_told() -> None:
    hearing = hearing_of([])
    assert (hearing.clock, hearing.through) == (None, None)
    assert hearing.silence_seconds(None, gateway="") is None


def test_silence_is_what_went_by_since_the_last_word() -> None:
    hearing = hearing_of([record()])
    assert hearing.silence_seconds(88.0, gateway="one") == 12.0
    assert hearing.silence_seconds(101.0, gateway="one") == 0.0


def test_silence_counts_from_when_the_gateway_of_the_host_began_to_listen() -> None:
    hearing = hearing_of([record(since=95.0), record("other", since=0.0)])
    assert hearing.silence_seconds(10.0, gateway="one") == 5.0
    assert hearing.silence_seconds(10.0, gateway="other") == 90.0
    assert hearing.silence_seconds(10.0, gateway="forgotten") == 90.0
    assert hearing.silence_seconds(None, gateway="") == 100.0


def test_while_one_gateway_does_not_write_nobody_s_silence_grows() -> None:
    mute = record("mute", clock=93.0)
    for now in (95.0, 100.0, 103.0):
        hearing = hearing_of([mute, record("well", clock=now)])
        assert hearing.through == 93.0
        assert hearing.silence_seconds(92.0, gateway="well") == 1.0


def test_a_gateway_is_given_up_after_the_time_that_it_said_itself() -> None:
    hearing = hearing_of([record("mute", clock=93.0), record("well", clock=104.0)])
    assert hearing.presence == {"mute": Presence.GONE, "well": Presence.LISTENING}
    assert hearing.through == 104.0
    # Those that it heard begin anew when it was given up, at 103; others do not.
    assert hearing.silence_seconds(92.0, gateway="mute") == 1.0
    assert hearing.silence_seconds(92.0, gateway="well") == 12.0
    # Whoever is heard elsewhere since then is heard.
    assert hearing.silence_seconds(103.5, gateway="well") == 0.5


def test_after_a_farewell_nobody_is_waited_for() -> None:
    ended = replace(record("ended", clock=93.0), farewell=True)
    hearing = hearing_of([ended, record("well", clock=95.0)])
    assert hearing.presence["ended"] is Presence.ENDED
    assert hearing.through == 95.0
    assert hearing.silence_seconds(80.0, gateway="ended") == 2.0


def test_when_all_have_ended_or_stopped_the_clock_stands() -> None:
    ended = replace(record(clock=93.0), farewell=True)
    assert hearing_of([ended]).through == 93.0
    dead = hearing_of([record(clock=93.0)])
    assert dead.silence_seconds(90.0, gateway="one") == 3.0


def test_an_overrun_gateway_is_waited_for_through_what_it_has_taken_in() -> None:
    hearing = hearing_of([record(complete=97.0)])
    assert hearing.through == 97.0
    assert hearing.presence["one"] is Presence.LISTENING


def test_the_clock_goes_on_at_the_rate_of_monotonic_time_and_never_back() -> None:
    one, other = ListeningClock(), ListeningClock()
    assert one.advance(shared=0.0, monotonic=5000.0) == 0.0
    assert one.advance(shared=0.0, monotonic=5010.0) == 10.0
    # Another machine's monotonic time began at another moment.
    assert other.advance(shared=10.0, monotonic=3.0) == 10.0
    assert other.advance(shared=10.0, monotonic=7.0) == 14.0
    assert one.advance(shared=14.0, monotonic=5012.0) == 14.0
    assert one.advance(shared=14.0, monotonic=5013.0) == 15.0
    assert one.at(5011.0) == 13.0


def test_that_the_clock_stands_shows_between_two_looks() -> None:
    stand = Standstill()
    assert stand.look(None, monotonic=100.0) == 0.0
    assert stand.look(None, monotonic=107.0) == 7.0
    assert stand.look(5.0, monotonic=108.0) == 0.0
    assert stand.look(5.0, monotonic=112.0) == 4.0
    assert stand.look(6.0, monotonic=113.0) == 0.0
    # A database that was put back says less: it moves.
    assert stand.look(2.0, monotonic=120.0) == 0.0
