"""Check the rows of a catalogue against a schema, or propose a schema."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from ragbench.core.context import Context
from ragbench.core.documents import Corpus
from ragbench.core.errors import InputError, SettingError
from ragbench.core.options import named, option, options
from ragbench.corpus.checks.propose import propose, schema_text
from ragbench.corpus.checks.result import DataCheck
from ragbench.corpus.checks.rules import check_table
from ragbench.corpus.checks.schema import Schema, read_schema
from ragbench.corpus.checks.table import read_catalogue, table_of
from ragbench.io.files import write_text
from ragbench.workflows.groups import CorpusLoading


@options
class Options(CorpusLoading):
    """The options of ``ragbench data check`` and `ragbench.data.check`."""

    corpus: Path | Corpus = option("Table, or file or folder of documents.", section="Input", positional=True)
    schema: Path | Mapping[str, object] | Schema | None = option(
        "YAML file with the rules of each column.", default=None, section="Rules",
        unset="one that is proposed from the rows",
    )  # fmt: skip
    today: str | None = option(
        "Day from which the age of dates counts, YYYY-MM-DD.", default=None, section="Rules", unset="today, in UTC"
    )
    write_schema: Path | None = option(
        "File for a schema that is proposed from the rows.", default=None, section="Output", writes="YAML"
    )
    junit: Path | None = option(
        "JUnit XML file to write.", default=None, section="Output", writes="JUnit XML", python=False
    )

    def __post_init__(self) -> None:
        _ = self.day
        if self.schema is not None and self.write_schema is not None:
            raise SettingError(f"proposes a schema, and {named('schema')} gives one", option="write_schema")

    @property
    def day(self) -> date:
        """The day from which ages count.

        Raises:
            SettingError: it is no date.
        """
        if self.today is None:
            return datetime.now(UTC).date()
        try:
            return date.fromisoformat(self.today)
        except ValueError:
            raise SettingError(f"is {self.today!r}; write it as YYYY-MM-DD", option="today") from None


def run(options: Options, context: Context) -> DataCheck:
    """Check the rows of a catalogue before it is indexed: types, empty cells, repeats, lengths, HTML, languages, age.

    Every row that breaks a rule is named by its line. Without a schema, one is proposed and checked: with 1% of empty
    cells at most in each column, no HTML and no wrong encoding. ``proposed`` has it as YAML.

    Raises:
        SettingError: the schema has a rule or value that does not exist; every fault is listed.
        InputError: the catalogue or the schema cannot be read, or the file for a schema exists already.

    Examples:
        >>> found = rb.data.check("datasets/shop/product_catalog.csv", {"columns": {"price": {"type": "integer"}}})
        >>> found.outcome, [one.name for one in found.checks if one.outcome == "fail"]
        ('fail', ['price: type'])
    """
    if options.write_schema is not None and options.write_schema.exists():
        raise InputError(f"{options.write_schema} exists already; name another file, or move this one")
    given = None if options.schema is None else read_schema(options.schema)
    if isinstance(options.corpus, Corpus):
        for name in ("loader", "clean"):
            if getattr(options, name) is not None:
                raise SettingError(f"{named(name)} applies to a path only, and {named('corpus')} is loaded already")
        table = table_of(options.corpus, "corpus")
    else:
        table = read_catalogue(options.corpus, options.loader, limits=options.file_limits, clean=options.clean)
    schema = given or propose(table)
    checks = tuple(check_table(table, given or _strict(schema), options.day))
    proposed = None if given else schema_text(schema, table)
    if options.write_schema is not None and proposed is not None:
        write_text(options.write_schema, proposed)
    return DataCheck(table.name, len(table), tuple(table.columns), checks, schema, proposed, options.write_schema)


def _strict(schema: Schema) -> Schema:
    """A proposed schema without room for the empty cells that the table has now."""
    columns = {
        name: replace(rules, max_null=None) if rules.max_null else rules for name, rules in schema.columns.items()
    }
    return replace(schema, columns=columns)
