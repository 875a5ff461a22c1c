"""Names of the indicators that central computes and strategies and people read from an analysis.

All are of closed candles of the bot's interval, the newest one being the candle that
`Indicators.time` names, but for the three of days. Those that depend on where they begin (EMA, RSI,
MACD, ATR, Keltner) are of exactly 200 candles, and there are none before. What cannot be computed,
for want of candles or because its definition has no value, is left out: a strategy then does
nothing and says what is missing. Prices are in quote currency, volumes in base currency.

Source: indicators definition, sections 1, 2 and 4.
"""

from enum import StrEnum

__all__ = ["IndicatorName"]


class IndicatorName(StrEnum):
    """One indicator; its value is the key in `Indicators.values`."""

    CLOSE = "close"
    """Close of the newest candle."""
    PREVIOUS_CLOSE = "previousClose"
    """Close of the candle before it."""
    RSI14 = "rsi14"
    """RSI(14) after Wilder, 0..100; 50 where nothing moved."""
    PREVIOUS_RSI14 = "previousRsi14"
    """The same one candle before."""
    MACD_HISTOGRAM = "macdHistogram"
    """MACD(12, 26) less its signal line, EMA(9); quote currency, either sign."""
    PREVIOUS_MACD_HISTOGRAM = "previousMacdHistogram"
    """The same one candle before."""
    BOLLINGER_LOWER = "bollingerLower"
    """Lower band: SMA(20) of the closes - 2 population standard deviations."""
    BOLLINGER_MIDDLE = "bollingerMiddle"
    """SMA(20) of the closes."""
    BOLLINGER_UPPER = "bollingerUpper"
    """Upper band: SMA(20) + 2 population standard deviations."""
    PREVIOUS_BOLLINGER_LOWER = "previousBollingerLower"
    """Lower band one candle before."""
    PREVIOUS_BOLLINGER_UPPER = "previousBollingerUpper"
    """Upper band one candle before."""
    SQUEEZE_ON = "squeezeOn"
    """1 while Bollinger(20, 2) lies inside Keltner(20, 1.5) on both sides, else 0.

    Keltner: EMA(20) of the closes +- 1.5 x ATR(20) after Wilder.
    """
    PREVIOUS_SQUEEZE_ON = "previousSqueezeOn"
    """The same one candle before; 1 and then 0 is the release."""
    SQUEEZE_BARS10 = "squeezeBars10"
    """How many of the 10 candles before the newest had the squeeze on, 0..10."""
    DONCHIAN_UPPER20 = "donchianUpper20"
    """Highest high of the 20 candles before the newest, which is not among them."""
    VOLUME = "volume"
    """Volume of the newest candle."""
    VOLUME_SMA20 = "volumeSma20"
    """Mean volume of the 20 candles before the newest, which is not among them."""
    DAY_OPEN = "dayOpen"
    """First price of the UTC day that holds the minute before `dataUntil`."""
    PREVIOUS_DAY_HIGH = "previousDayHigh"
    """Highest price of the UTC day before it."""
    PREVIOUS_DAY_LOW = "previousDayLow"
    """Lowest price of the UTC day before it."""
    SMA50 = "sma50"
    """Mean of the last 50 closes."""
    EMA12 = "ema12"
    """Exponential mean of the closes, 12 candles."""
    EMA26 = "ema26"
    """Exponential mean of the closes, 26 candles."""
    MACD = "macd"
    """MACD(12, 26): the fast exponential mean less the slow one; quote currency, either sign."""
    MACD_SIGNAL = "macdSignal"
    """EMA(9) of it."""
    PERCENT_B = "percentB"
    """Where the close lies: 0 at the lower Bollinger band, 1 at the upper; 0.5 where both meet."""
    ATR14 = "atr14"
    """Average true range after Wilder, 14 candles; quote currency."""
    STOCH_K = "stochK"
    """Slow stochastic(14, 3, 3) %K, 0..100; none where a range that it looks at is empty."""
    STOCH_D = "stochD"
    """Mean of the last 3 %K."""
    MAX_DRAWDOWN = "maxDrawdown"
    """Deepest fall of a close below a higher one before it in the last 200, fraction 0..1."""
