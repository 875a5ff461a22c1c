"""The database: tables, migrations, one module per use of them."""

__all__: list[str] = []
