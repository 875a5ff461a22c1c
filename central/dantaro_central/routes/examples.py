"""One example for each answer, as a central over recorded candles gave it, shortened."""

from typing import Any

__all__ = ["EXAMPLES"]

_SOURCE = {"name": "upbit", "live": True, "ended": False}

_CANDLE = {
    "time": "2025-09-01T00:00:00Z",
    "open": "151000000",
    "high": "151050000",
    "low": "150900000",
    "close": "151020000",
    "volume": "1.20456789",
}

_LEVELS = {
    "aggressive": {"windowDays": 7, "price": "149800000", "broken": False, "confidence": "0.7"},
    "moderate": {"windowDays": 30, "price": "146000000", "broken": False, "confidence": "0.64"},
    "conservative": {"windowDays": 90, "price": "139500000", "broken": False, "confidence": "0.6"},
}

_STATUS = {
    "trend": "Neutral",
    "breadth": "0.52",
    "volatility": "Normal",
    "markets": 212,
    "risk": "Medium",
    "fearGreed": 48,
}

_INDICATORS = {
    "values": {"rsi14": "54.21", "atr14": "412000"},
    "time": "2025-08-31T23:00:00Z",
    "interval": "60m",
}

_ADVICE = {
    "action": "Hold",
    "confidence": "0.55",
    "reason": "the trend is neutral and the price is in the middle of its range",
    "model": "rules",
    "time": "2025-09-01T00:00:00Z",
    "validUntil": "2025-09-01T00:15:00Z",
}

_BUNDLE = {
    "marketTime": "2025-09-01T00:01:00Z",
    "dataUntil": "2025-09-01T00:00:00Z",
    "source": _SOURCE,
    "symbol": "KRW-BTC",
    "interval": "60m",
    "candles": [_CANDLE],
    "ticker": {
        "time": "2025-09-01T00:01:00Z",
        "price": "151020000",
        "change24h": "-0.0042",
        "volume24h": "1820.5",
    },
    "analyses": [
        {
            "dataUntil": "2025-09-01T00:00:00Z",
            "indicators": _INDICATORS,
            "supportLevels": _LEVELS,
            "marketStatus": _STATUS,
            "decision": _ADVICE,
        }
    ],
}


def _problem(status: int, title: str, code: str, detail: str) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
    }


_UNKNOWN = _problem(
    404,
    "Not Found",
    "SymbolUnknown",
    "expected one of the markets KRW-BTC, KRW-ETH, found KRW-NO",
)

EXAMPLES: dict[str, Any] = {
    "bundle": _BUNDLE,
    "bundles": {"answers": [{"bundle": _BUNDLE}, {"problem": _UNKNOWN}]},
    "markets": {
        "source": _SOURCE,
        "marketTime": "2025-09-01T00:01:00Z",
        "markets": [
            {"symbol": "KRW-BTC", "use": "Traded"},
            {"symbol": "KRW-SOL", "use": "Unused", "reason": "no 1-minute candles"},
        ],
    },
    "market-status": {"dataUntil": "2025-09-01T00:00:00Z", "marketStatus": _STATUS},
    "support-levels": {
        "symbol": "KRW-BTC",
        "dataUntil": "2025-09-01T00:00:00Z",
        "supportLevels": _LEVELS,
    },
    "indicators": {
        "symbol": "KRW-BTC",
        "interval": "60m",
        "dataUntil": "2025-09-01T00:00:00Z",
        "indicators": _INDICATORS,
        "orderBook": {
            "time": "2025-09-01T00:00:20Z",
            "pressure": "-0.1204",
            "spread": "0.000033",
        },
    },
    "decisions": {
        "symbol": "KRW-BTC",
        "decisions": [
            {
                "dataUntil": "2025-09-01T00:00:00Z",
                "action": "Hold",
                "confidence": "0.55",
                "reason": _ADVICE["reason"],
                "validUntil": "2025-09-01T00:15:00Z",
                "model": "rules",
                "prompt": "",
                "inputs": {"rsi14": "54.21"},
                "latencyMs": 0,
                "cost": "0",
                "created": "2025-09-01T00:00:02Z",
            }
        ],
    },
    "data-quality": {
        "source": _SOURCE,
        "markets": [
            {
                "symbol": "KRW-BTC",
                "interval": "1m",
                "checked": "2025-09-01T00:00:00Z",
                "missing": 2,
                "duplicate": 0,
                "outlier": 0,
                "stale": 0,
                "details": {"missing": ["2025-08-31T12:00:00Z", "2025-08-31T12:01:00Z"]},
            }
        ],
    },
    "candles": {
        "marketTime": "2025-09-01T00:01:00Z",
        "symbol": "KRW-BTC",
        "interval": "1m",
        "candles": [_CANDLE],
    },
    "recommendations": {
        "source": _SOURCE,
        "marketTime": "2025-09-01T00:01:00Z",
        "dataUntil": "2025-09-01T00:00:00Z",
        "recommendations": [
            {
                "symbol": "KRW-BTC",
                "score": "0.6997",
                "parts": [
                    {
                        "name": "technical",
                        "score": "0.5312",
                        "weight": "0.35",
                        "reason": "RSI 56, last price 0.6% above the mean of 50 hours, MACD "
                        "histogram +0.00% of the price, %b 0.69",
                    },
                    {
                        "name": "volume",
                        "score": "0.75",
                        "weight": "0.25",
                        "reason": "219,174,950,670 KRW traded in 24 hours, 1.01 times the usual",
                    },
                    {
                        "name": "volatility",
                        "score": "0.7563",
                        "weight": "0.2",
                        "reason": "mean daily range 1.5%, below 2%: too quiet",
                    },
                    {
                        "name": "risk",
                        "score": "0.875",
                        "weight": "0.2",
                        "reason": "fell by up to 10.3% in 90 days; one tick is 0.001%",
                    },
                ],
            }
        ],
    },
    "problem-400": _problem(
        400, "Bad Request", "BadRequest", "There was an error parsing the body"
    ),
    "problem-401": _problem(
        401, "Unauthorized", "KeyUnknown", "the key is not known: check the key file"
    ),
    "problem-404": _UNKNOWN,
    "problem-413": _problem(
        413,
        "Request Entity Too Large",
        "RequestEntityTooLarge",
        "expected a body of at most 65536 bytes",
    ),
    "problem-422": _problem(
        422, "Unprocessable Entity", "RequestInvalid", "symbol: Field required"
    ),
    "problem-429": _problem(
        429,
        "Too Many Requests",
        "RateLimited",
        "expected at most 100 requests in 60 s from one key, 0 are left: try again in 17 s",
    ),
    "problem-503": _problem(
        503,
        "Service Unavailable",
        "NotReady",
        "no market is stored yet: try again in a moment",
    ),
}
