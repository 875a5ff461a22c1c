"""What the API answers: it reads what the worker stored, and computes nothing but ranks."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from dantaro_central.core.market_clock import Market, MarketClock, MarketUse
from dantaro_central.core.pages import AnalysisRow, analysis_json, candles_json
from dantaro_central.core.recommendations import recommend, to_samples
from dantaro_central.core.views import MarketEntry, MarketList, StatusView, SupportLevelsView
from dantaro_central.errors import NotReadyError, SymbolUnknownError
from dantaro_central.ports import HeartbeatStore, MarketReader, MarketSnapshot
from dantaro_crds.kit.clock import Clock
from dantaro_crds.values import Interval, parse_utc, utc_text
from dantaro_crds.wire.bundle import (
    MAX_BUNDLE_CANDLES,
    CentralHealth,
    MarketStatus,
    Source,
    SupportLevels,
)
from dantaro_crds.wire.recommendations import Recommendations

__all__ = ["MarketDataService", "Page"]

_STALE = timedelta(minutes=15)
"""Age at which the analysis of a live market recommends nothing: three times its period."""

_SILENCE = timedelta(seconds=60)
"""How long the worker may give no sign of life before the health says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer as text.

    Attributes:
        body: JSON.
        etag: Strong entity tag over the body, quotes included.
    """

    body: str
    etag: str


class MarketDataService:
    """Reads the market."""

    def __init__(
        self,
        reader: MarketReader,
        heartbeats: HeartbeatStore,
        clock: Clock,
        *,
        version: str,
        source: str,
    ) -> None:
        """Choose a database.

        Args:
            reader: The market.
            heartbeats: The worker's sign of life.
            clock: Wall time.
            version: Of the software, for the health.
            source: Name of the source to show before the worker stored one.
        """
        self._reader = reader
        self._heartbeats = heartbeats
        self._clock = clock
        self._version = version
        self._source = Source(name=source, live=False)

    def bundle(self, symbol: str, interval: Interval, since: datetime | None) -> Page:
        """Return a page of a market as JSON of `wire.bundle.Bundle`.

        Args:
            symbol: A traded market.
            interval: Interval of the indicators.
            since: Open of the last candle that the bot has; None: the first page of a replay or a
                simulated market, no candles of a live one.

        Raises:
            NotReadyError: No market is stored yet.
            SymbolUnknownError: The market has no 1-minute candles.
        """
        with self._reader.snapshot() as snapshot:
            clock, _ = _market(snapshot, symbol, {MarketUse.TRADED})
            cursor = utc_text(clock.cursor)
            rows: Sequence[Sequence[str]] = ()
            if since is not None or not clock.source.live:
                rows = snapshot.candle_rows(
                    symbol,
                    Interval.M1,
                    after=_after(since),
                    until=cursor,
                    limit=MAX_BUNDLE_CANDLES,
                )
            newest = snapshot.analysis_rows(symbol, first=cursor, last=cursor)
            analyses = newest
            if rows:
                analyses = snapshot.analysis_rows(symbol, first=rows[0][0], last=rows[-1][0])
            ticker = snapshot.ticker_json(symbol)
        data_until = f'"{newest[-1].data_until}"' if newest else "null"
        return _page(
            f'{{"marketTime":"{cursor}","dataUntil":{data_until},'
            f'"source":{_source_of(clock).model_dump_json(by_alias=True)},'
            f'"symbol":"{symbol}","interval":"{interval}","candles":{candles_json(rows)},'
            f'"ticker":{ticker or "null"},'
            f'"analyses":[{",".join(map(analysis_json, analyses))}]}}'
        )

    def candles(
        self, symbol: str, interval: Interval, *, since: datetime | None, limit: int
    ) -> Page:
        """Return closed candles of a market, oldest first, as JSON.

        Args:
            symbol: A traded or analysed market.
            interval: 1m, 60m, 240m or 1d; others are empty.
            since: Opens after this one only; None: from the first on.
            limit: Most candles.

        Raises:
            NotReadyError: No market is stored yet.
            SymbolUnknownError: The market has no candles.
        """
        with self._reader.snapshot() as snapshot:
            clock, _ = _market(snapshot, symbol, {MarketUse.TRADED, MarketUse.ANALYSED})
            cursor = utc_text(clock.cursor)
            rows = snapshot.candle_rows(
                symbol, interval, after=_after(since), until=cursor, limit=limit
            )
        return _page(
            f'{{"marketTime":"{cursor}","symbol":"{symbol}","interval":"{interval}",'
            f'"candles":{candles_json(rows)}}}'
        )

    def support_levels(self, symbol: str) -> SupportLevelsView:
        """Return the newest support levels of a market.

        Raises:
            NotReadyError: No analysis is stored yet.
            SymbolUnknownError: The market is not analysed.
        """
        newest = self._newest(symbol)
        return SupportLevelsView(
            symbol=symbol,
            data_until=newest.data_until,
            support_levels=SupportLevels.model_validate_json(newest.support_levels),
        )

    def recommendations(self, limit: int) -> Page:
        """Return the markets to trade, best first, as JSON of `wire.recommendations`.

        Args:
            limit: Most markets.

        Raises:
            NotReadyError: Nothing was analysed yet, or a live market not for a while.
        """
        with self._reader.snapshot() as snapshot:
            clock = _clock(snapshot)
            markets = snapshot.load_markets()
            stored = snapshot.samples_json()
        if stored is None:
            raise NotReadyError("no analysis is stored yet: try again in a moment")
        until = parse_utc(stored[0])
        if clock.source.live and self._clock.now() - until > _STALE:
            raise NotReadyError(
                f"the newest analysis is of {stored[0]}: no market is recommended by such old data"
            )
        traded = {name for name, market in markets.items() if market.use is MarketUse.TRADED}
        answer = Recommendations(
            source=_source_of(clock),
            market_time=clock.cursor,
            data_until=until,
            recommendations=recommend(to_samples(stored[1]), among=traded, limit=limit),
        )
        return _page(answer.model_dump_json(by_alias=True))

    def market_status(self) -> StatusView:
        """Return the newest market status.

        Raises:
            NotReadyError: No analysis is stored yet.
        """
        newest = self._newest(None)
        status = newest.market_status
        return StatusView(
            data_until=newest.data_until,
            market_status=None if status == "null" else MarketStatus.model_validate_json(status),
        )

    def markets(self) -> MarketList:
        """Return all markets of the source, those that cannot be used with the reason.

        Raises:
            NotReadyError: No market is stored yet.
        """
        with self._reader.snapshot() as snapshot:
            clock = _clock(snapshot)
            markets = snapshot.load_markets()
        return MarketList(
            source=_source_of(clock),
            market_time=clock.cursor,
            markets=[
                MarketEntry(symbol=market.symbol, use=market.use, reason=market.reason or None)
                for market in markets.values()
            ],
        )

    def health(self) -> CentralHealth:
        """Return what a person or the operator wants to know first."""
        clock: MarketClock | None = None
        markets: dict[str, Market] = {}
        problem = ""
        with suppress(NotReadyError), self._reader.snapshot() as snapshot:
            clock = snapshot.load_clock()
            markets = snapshot.load_markets()
            problem = self._problem()
        broken = [m.reason for m in markets.values() if m.use is MarketUse.BROKEN]
        if clock is None:
            problem = problem or "starting: no market is stored yet"
        return CentralHealth(
            status="; ".join([problem, *broken] if problem else broken) or "ok",
            version=self._version,
            source=_source_of(clock) if clock else self._source,
            market_time=clock.cursor if clock else None,
            market_start=clock.start if clock else None,
            symbols=[m.symbol for m in markets.values() if m.use is MarketUse.TRADED],
        )

    def is_ready(self) -> bool:
        """Return whether bundles can be served."""
        try:
            with self._reader.snapshot() as snapshot:
                return snapshot.load_clock() is not None
        except NotReadyError:
            return False

    def _problem(self) -> str:
        heartbeat = self._heartbeats.load_heartbeat()
        if heartbeat is None:
            return ""
        if self._clock.now() - heartbeat.time > _SILENCE:
            return f"the worker gave no sign of life since {utc_text(heartbeat.time)}"
        return "" if heartbeat.message == "ok" else heartbeat.message

    def _newest(self, symbol: str | None) -> AnalysisRow:
        with self._reader.snapshot() as snapshot:
            clock = _clock(snapshot)
            if symbol is None:
                used = {MarketUse.TRADED, MarketUse.ANALYSED}
                markets = snapshot.load_markets().values()
                symbol = next((m.symbol for m in markets if m.use in used), "")
            else:
                _market(snapshot, symbol, {MarketUse.TRADED, MarketUse.ANALYSED})
            cursor = utc_text(clock.cursor)
            rows = snapshot.analysis_rows(symbol, first=cursor, last=cursor)
        if not rows:
            raise NotReadyError("no analysis is stored yet: try again in a moment")
        return rows[-1]


def _clock(snapshot: MarketSnapshot) -> MarketClock:
    clock = snapshot.load_clock()
    if clock is None:
        raise NotReadyError("no market is stored yet: try again in a moment")
    return clock


def _market(
    snapshot: MarketSnapshot, symbol: str, uses: set[MarketUse]
) -> tuple[MarketClock, Market]:
    clock = _clock(snapshot)
    markets = snapshot.load_markets()
    market = markets.get(symbol)
    if market is not None and market.use in uses:
        return clock, market
    if market is not None:
        raise SymbolUnknownError(f"market {symbol} cannot be used: {market.reason}")
    known = ", ".join(m.symbol for m in markets.values() if m.use in uses)
    raise SymbolUnknownError(f"expected one of the markets {known}, found {symbol}")


def _after(since: datetime | None) -> str:
    """Return the text that all wanted opens come after; whole seconds, as they are stored."""
    return utc_text(since.replace(microsecond=0)) if since else ""


def _source_of(clock: MarketClock) -> Source:
    return Source(name=clock.source.name, live=clock.source.live, ended=clock.ended)


def _page(body: str) -> Page:
    return Page(body=body, etag=f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"')
