"""What the API answers: it reads what the worker stored, and computes nothing but ranks."""

import json
from collections.abc import Hashable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from pydantic import BaseModel

from dantaro_central.core.market_clock import Market, MarketClock, MarketUse
from dantaro_central.core.pages import AnalysisRow, analysis_json, candles_json
from dantaro_central.core.recommendations import recommend, to_samples
from dantaro_central.core.views import (
    DecisionList,
    DecisionView,
    IndicatorsView,
    MarketEntry,
    MarketList,
    OrderBookView,
    QualityEntry,
    QualityList,
    StatusView,
    SupportLevelsView,
)
from dantaro_central.errors import DatabaseDownError, NotReadyError, SymbolUnknownError
from dantaro_central.ports import HeartbeatStore, MarketReader, MarketSnapshot
from dantaro_central.services.pages import Page, build_page
from dantaro_central.services.wishes import WishService
from dantaro_crds.kit.clock import Clock
from dantaro_crds.values import Interval, parse_utc, utc_text
from dantaro_crds.wire.bundle import (
    MAX_BUNDLE_CANDLES,
    CentralHealth,
    Indicators,
    MarketStatus,
    Source,
    SupportLevels,
)
from dantaro_crds.wire.recommendations import Recommendations

__all__ = ["MarketDataService"]

_STALE = timedelta(minutes=15)
"""Age at which the analysis of a live market recommends nothing: three times its period."""

_SILENCE = timedelta(seconds=60)
"""How long the worker may give no sign of life before the health says so."""


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
        wishes: WishService | None = None,
    ) -> None:
        """Choose a database.

        Args:
            reader: The market.
            heartbeats: The worker's sign of life.
            clock: Wall time.
            version: Of the software, for the health.
            source: Name of the source to show before the worker stored one.
            wishes: Notes which markets of a live source bots ask for; None: nobody does.
        """
        self._wishes = wishes
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
            NotReadyError: No market is stored yet, or this one of a live source soon will be.
            SymbolUnknownError: The market has no 1-minute candles.
        """
        with self._reader.snapshot() as snapshot:
            clock, _ = _market(snapshot, symbol, {MarketUse.TRADED}, wishes=self._wishes)
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
            newest = snapshot.analysis_rows(symbol, interval, first=cursor, last=cursor)
            analyses = newest
            if rows:
                analyses = snapshot.analysis_rows(
                    symbol, interval, first=rows[0][0], last=rows[-1][0]
                )
            ticker = snapshot.ticker_json(symbol)
        data_until = f'"{newest[-1].data_until}"' if newest else "null"
        return build_page(
            f'{{"marketTime":"{cursor}","dataUntil":{data_until},'
            f'"source":{_source_of(clock).model_dump_json(by_alias=True)},'
            f'"symbol":"{symbol}","interval":"{interval}","candles":{candles_json(rows)},'
            f'"ticker":{ticker or "null"},'
            f'"analyses":[{",".join(map(analysis_json, analyses))}]}}',
            clock,
            parse_utc(newest[-1].data_until) if newest else clock.cursor,
        )

    def candles(
        self, symbol: str, interval: Interval, *, since: datetime | None, limit: int
    ) -> Page:
        """Return closed candles of a market, oldest first, as JSON.

        Args:
            symbol: A traded or analysed market.
            interval: Length of the candles.
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
        return build_page(
            f'{{"marketTime":"{cursor}","symbol":"{symbol}","interval":"{interval}",'
            f'"candles":{candles_json(rows)}}}',
            clock,
            clock.cursor,
        )

    def support_levels(self, symbol: str) -> Page:
        """Return the newest support levels of a market as JSON of `SupportLevelsView`.

        Raises:
            NotReadyError: No analysis is stored yet.
            SymbolUnknownError: The market is not analysed.
        """
        clock, newest = self._newest(symbol)
        view = SupportLevelsView(
            symbol=symbol,
            data_until=parse_utc(newest.data_until),
            support_levels=SupportLevels.model_validate_json(newest.support_levels),
        )
        return _page(view, clock, view.data_until)

    def indicators(self, symbol: str, interval: Interval) -> Page:
        """Return the newest indicators of a market as JSON of `IndicatorsView`.

        Raises:
            NotReadyError: No market is stored yet.
            SymbolUnknownError: The market is not analysed.
        """
        with self._reader.snapshot() as snapshot:
            clock, market = _market(snapshot, symbol, {MarketUse.TRADED, MarketUse.ANALYSED})
            found = snapshot.indicators_json(symbol, interval, until=utc_text(clock.cursor))
            has_book = clock.source.live and market.use is MarketUse.TRADED
            book = snapshot.order_book_json(symbol) if has_book else None
        view = IndicatorsView(
            symbol=symbol,
            interval=interval,
            data_until=parse_utc(found[0]) if found else None,
            indicators=Indicators.model_validate_json(found[1]) if found else None,
            order_book=_order_book(*book) if book else None,
        )
        return _page(view, clock, view.data_until)

    def decisions(self, symbol: str, limit: int) -> Page:
        """Return the newest decisions on a market, newest first, as JSON of `DecisionList`.

        Raises:
            NotReadyError: No market is stored yet.
            SymbolUnknownError: The market is not analysed.
        """
        with self._reader.snapshot() as snapshot:
            clock, _ = _market(snapshot, symbol, {MarketUse.TRADED, MarketUse.ANALYSED})
            rows = snapshot.decision_rows(symbol, limit=limit)
        views = [
            DecisionView.model_validate(row | {"inputs": json.loads(row["inputs"])}) for row in rows
        ]
        view = DecisionList(symbol=symbol, decisions=views)
        return _page(view, clock, views[0].data_until if views else None)

    def data_quality(self) -> Page:
        """Return what is wrong with the stored candles as JSON of `QualityList`.

        Raises:
            NotReadyError: No market is stored yet.
        """
        with self._reader.snapshot() as snapshot:
            clock = _clock(snapshot)
            rows = snapshot.quality_rows()
        entries = [
            QualityEntry.model_validate(row | {"details": json.loads(row["details"])})
            for row in rows
        ]
        view = QualityList(source=_source_of(clock), markets=entries)
        return _page(view, clock, min((e.checked for e in entries), default=None))

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
        # A live market that is only analysed gets minutes as soon as a bot asks for it.
        uses = {MarketUse.TRADED} | ({MarketUse.ANALYSED} if clock.source.live else set())
        traded = {name for name, market in markets.items() if market.use in uses}
        answer = Recommendations(
            source=_source_of(clock),
            market_time=clock.cursor,
            data_until=until,
            recommendations=recommend(
                to_samples(stored[1]), among=traded, limit=limit, live=clock.source.live
            ),
        )
        return _page(answer, clock, until)

    def market_status(self) -> Page:
        """Return the newest market status as JSON of `StatusView`.

        Raises:
            NotReadyError: No analysis is stored yet.
        """
        clock, newest = self._newest(None)
        status = newest.market_status
        view = StatusView(
            data_until=parse_utc(newest.data_until),
            market_status=None if status == "null" else MarketStatus.model_validate_json(status),
        )
        return _page(view, clock, view.data_until)

    def markets(self) -> Page:
        """Return all markets of the source as JSON of `MarketList`.

        Raises:
            NotReadyError: No market is stored yet.
        """
        with self._reader.snapshot() as snapshot:
            clock = _clock(snapshot)
            markets = snapshot.load_markets()
        view = MarketList(
            source=_source_of(clock),
            market_time=clock.cursor,
            markets=[
                MarketEntry(symbol=market.symbol, use=market.use, reason=market.reason or None)
                for market in markets.values()
            ],
        )
        return _page(view, clock, clock.cursor)

    def state(self) -> Hashable:
        """Return what changes whenever an answer may change: market time, and whose it is.

        Raises:
            DatabaseDownError: The database does not answer.
        """
        try:
            with self._reader.snapshot() as snapshot:
                return snapshot.load_clock()
        except NotReadyError:
            return None

    def health(self) -> CentralHealth:
        """Return what a person or the operator wants to know first."""
        clock: MarketClock | None = None
        markets: dict[str, Market] = {}
        problem = ""
        try:
            with suppress(NotReadyError), self._reader.snapshot() as snapshot:
                clock = snapshot.load_clock()
                markets = snapshot.load_markets()
                problem = self._problem()
        except DatabaseDownError:
            problem = "the database does not answer"
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

    def _newest(self, symbol: str | None) -> tuple[MarketClock, AnalysisRow]:
        with self._reader.snapshot() as snapshot:
            clock = _clock(snapshot)
            if symbol is None:
                used = {MarketUse.TRADED, MarketUse.ANALYSED}
                markets = snapshot.load_markets().values()
                symbol = next((m.symbol for m in markets if m.use in used), "")
            else:
                _market(snapshot, symbol, {MarketUse.TRADED, MarketUse.ANALYSED})
            cursor = utc_text(clock.cursor)
            rows = snapshot.analysis_rows(symbol, Interval.M1, first=cursor, last=cursor)
        if not rows:
            raise NotReadyError("no analysis is stored yet: try again in a moment")
        return clock, rows[-1]


def _clock(snapshot: MarketSnapshot) -> MarketClock:
    clock = snapshot.load_clock()
    if clock is None:
        raise NotReadyError("no market is stored yet: try again in a moment")
    return clock


def _market(
    snapshot: MarketSnapshot,
    symbol: str,
    uses: set[MarketUse],
    *,
    wishes: WishService | None = None,
) -> tuple[MarketClock, Market]:
    clock = _clock(snapshot)
    markets = snapshot.load_markets()
    market = markets.get(symbol)
    if market is not None and market.use in uses:
        return clock, market
    if market is not None and wishes is not None and clock.source.live:
        wishes.consider(market)
    if market is not None:
        raise SymbolUnknownError(f"market {symbol} cannot be used: {market.reason}")
    known = ", ".join(m.symbol for m in markets.values() if m.use in uses)
    raise SymbolUnknownError(f"expected one of the markets {known}, found {symbol}")


def _order_book(time: str, body: str) -> OrderBookView:
    told = json.loads(body)
    return OrderBookView(
        time=parse_utc(time), pressure=told.get("pressure"), spread=told.get("spread")
    )


def _after(since: datetime | None) -> str:
    """Return the text that all wanted opens come after; whole seconds, as they are stored."""
    return utc_text(since.replace(microsecond=0)) if since else ""


def _source_of(clock: MarketClock) -> Source:
    return Source(name=clock.source.name, live=clock.source.live, ended=clock.ended)


def _page(view: BaseModel, clock: MarketClock, until: datetime | None) -> Page:
    return build_page(view.model_dump_json(by_alias=True), clock, until)
