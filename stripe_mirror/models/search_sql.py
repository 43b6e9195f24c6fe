"""The SQL of the search: the searched text as an expression, and the indexes and triggers that carry it.

PostgreSQL: GIN indexes with trigrams (extension pg_trgm) on expressions, and B-trees for beginnings. SQLite: a table of
texts per searched table, which triggers keep current, and an FTS5 index with trigrams over it. The table of texts is
there because rows are known by Stripe's ids, which FTS5 can't look up, and rowids change with VACUUM.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha1

from stripe_mirror.models.search import Searched

LONGEST_BEGINNING = 100
# What people write between the digits of a phone number.
BETWEEN_DIGITS = " -()./+\u00a0"


def quoted(name: str) -> str:
    """A name of a table or column; ours hold no quotes."""
    return f'"{name}"'


# --- PostgreSQL ---------------------------------------------------------------------------------------------------


def pg_text(one: Searched) -> str:
    """The searched text in upper case; columns are told apart by line ends."""
    digits = [f"regexp_replace(coalesce({quoted(c)}, ''), '[^0-9]', '', 'g')" for c in one.digits]
    parts = [*(f"coalesce({quoted(c)}, '')" for c in one.columns), *digits]
    return f"upper({' || chr(10) || '.join(parts)})"


def pg_metadata(one: Searched) -> str:
    """The values of the metadata in upper case, as the text of a JSON array: each begins with a quote."""
    return "upper(jsonb_path_query_array(\"data\", '$.metadata.*')::text)"


def pg_beginning(column: str) -> str:
    """A column as its beginning is compared: cut, because a B-tree refuses long values, and with them the whole row."""
    return f"upper(left({quoted(column)}, {LONGEST_BEGINNING}))"


@dataclass(frozen=True)
class Index:
    """An index of PostgreSQL's; its name carries a digest of its definition, so that a stale one is recognised."""

    table: str
    what: str
    definition: str
    trigrams: bool

    @property
    def name(self) -> str:
        """Short enough for PostgreSQL whatever the table is called."""
        digest = sha1(f"{self.table} {self.definition}".encode(), usedforsecurity=False).hexdigest()[:8]
        return f"{OURS}{self.table.removeprefix('stripe_mirror_')[:24]}_{self.what[:16]}_{digest}"

    @property
    def sql(self) -> str:
        """The statement that makes it."""
        return f"CREATE INDEX IF NOT EXISTS {quoted(self.name)} ON {quoted(self.table)} USING {self.definition}"


# What our indexes are called, so that those of nobody else are dropped.
OURS = "smfind_"


def pg_indexes(one: Searched) -> list[Index]:
    """All indexes of a declaration."""
    found = [
        Index(one.table, column, f"btree ({pg_beginning(column)} text_pattern_ops)", False) for column in one.beginnings
    ]
    if one.columns:
        found.append(Index(one.table, "text", f"gin ({pg_text(one)} gin_trgm_ops)", True))
    if one.metadata:
        found.append(Index(one.table, "metadata", f"gin ({pg_metadata(one)} gin_trgm_ops)", True))
    return found


# --- SQLite -------------------------------------------------------------------------------------------------------


def texts_table(one: Searched) -> str:
    """The table of texts."""
    return f"{one.table}_texts"


def fts_table(one: Searched) -> str:
    """The full-text index over it."""
    return f"{one.table}_fts"


def lite_text(one: Searched, row: str) -> str:
    """The searched text of a row ("NEW", or a table's name) as it is: FTS5 folds the case."""
    parts = [f"coalesce({row}.{quoted(c)}, '')" for c in one.columns]
    for column in one.digits:
        bare = f"coalesce({row}.{quoted(column)}, '')"
        for between in BETWEEN_DIGITS:
            bare = f"replace({bare}, '{between}', '')"
        parts.append(bare)
    return " || char(10) || ".join(parts) or "''"


def lite_metadata(one: Searched, row: str) -> str:
    """The values of the metadata, each after a line end, by which its beginning is found."""
    if not one.metadata:
        return "''"
    values = f"SELECT group_concat(char(10) || value, '') FROM json_each({row}.\"data\", '$.metadata')"
    return f"coalesce(({values}), '')"


def lite_beginnings(one: Searched) -> dict[str, str]:
    """Index name → statement, for the columns that are found by their beginning."""
    names = {c: f"{OURS}{one.table.removeprefix('stripe_mirror_')}_{c}" for c in one.beginnings}
    return {
        name: f"CREATE INDEX {quoted(name)} ON {quoted(one.table)} ({quoted(c)} COLLATE NOCASE)"
        for c, name in names.items()
    }


def lite_tables(one: Searched) -> dict[str, str]:
    """Table name → statement."""
    texts, fts = texts_table(one), fts_table(one)
    return {
        texts: f"CREATE TABLE {quoted(texts)} "
        "(n INTEGER PRIMARY KEY, id NOT NULL UNIQUE, text TEXT NOT NULL, metadata TEXT NOT NULL)",
        fts: f"CREATE VIRTUAL TABLE {quoted(fts)} USING fts5"
        f"(text, metadata, content='{texts}', content_rowid='n', tokenize='trigram')",
    }


def lite_triggers(one: Searched) -> dict[str, str]:
    """Trigger name → statement: from the searched table to the texts, and from the texts to the index.

    An index is touched only where its text has changed: most updates of a mirrored row change neither name nor email.
    """
    table, texts, fts = one.table, texts_table(one), fts_table(one)
    new = f"{lite_text(one, 'NEW')}, {lite_metadata(one, 'NEW')}"
    old = f"{lite_text(one, 'OLD')}, {lite_metadata(one, 'OLD')}"
    changed = f"({new}) IS NOT ({old})"
    source = ", ".join(quoted(column) for column in one.source)
    remove = (
        f"INSERT INTO {quoted(fts)} ({quoted(fts)}, rowid, text, metadata) "
        "VALUES ('delete', OLD.n, OLD.text, OLD.metadata)"
    )
    add = f"INSERT INTO {quoted(fts)} (rowid, text, metadata) VALUES (NEW.n, NEW.text, NEW.metadata)"
    bodies = {
        f"{texts}_insert": f"AFTER INSERT ON {quoted(table)} BEGIN "
        f"INSERT INTO {quoted(texts)} (id, text, metadata) VALUES (NEW.{quoted(one.key)}, {new}); END",
        f"{texts}_update": f"AFTER UPDATE OF {source} ON {quoted(table)} WHEN {changed} BEGIN "
        f"UPDATE {quoted(texts)} SET (text, metadata) = ({new}) WHERE id = NEW.{quoted(one.key)}; END",
        f"{texts}_delete": f"AFTER DELETE ON {quoted(table)} BEGIN "
        f"DELETE FROM {quoted(texts)} WHERE id = OLD.{quoted(one.key)}; END",
        f"{fts}_insert": f"AFTER INSERT ON {quoted(texts)} BEGIN {add}; END",
        f"{fts}_update": f"AFTER UPDATE ON {quoted(texts)} BEGIN {remove}; {add}; END",
        f"{fts}_delete": f"AFTER DELETE ON {quoted(texts)} BEGIN {remove}; END",
    }
    return {name: f"CREATE TRIGGER {quoted(name)} {body}" for name, body in bodies.items()}


def lite_fill(one: Searched) -> list[str]:
    """Statements that make the texts those of the rows, whatever happened while there were no triggers."""
    texts, table = quoted(texts_table(one)), quoted(one.table)
    now = f"SELECT row.{quoted(one.key)}, {lite_text(one, 'row')}, {lite_metadata(one, 'row')} FROM {table} AS row"
    return [
        f"DELETE FROM {texts} WHERE id NOT IN (SELECT {quoted(one.key)} FROM {table})",
        f"INSERT INTO {texts} (id, text, metadata) {now} WHERE true ON CONFLICT (id) DO UPDATE "
        "SET text = excluded.text, metadata = excluded.metadata "
        "WHERE (excluded.text, excluded.metadata) IS NOT (text, metadata)",
    ]
