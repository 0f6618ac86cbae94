"""Rules for a table: a suite read from TOML, judged in one pass, exported to Great Expectations, or suggested.

A rules file is a list of ``[[rule]]`` tables with Great Expectations' own names and arguments
(:mod:`~mltoolkit.quality.rules.vocabulary`)::

    [[rule]]
    rule = "column_values_to_be_between"
    column = "age"
    min_value = 0
    max_value = 120
    mostly = 0.99             # up to 1% may be wrong
    severity = "warning"      # or "error", which it is when nothing is said
    note = "asked for by sales"

The verdicts are those of Great Expectations on the same data loaded by pandas. Where a text file says less than
pandas makes of it, or the other way round, they differ on purpose:

- *Missing* are the words of :data:`mltoolkit.quality.meanings.MISSING` in any case and with white space around;
  ``pandas.read_csv`` knows a few others (``-nan``, ``1.#QNAN``) and is strict about case and space.
- *Types* are read off each value. ``int`` is a whole number, ``float`` any number, ``str`` a text that is no number
  (or a code such as ``007``), ``datetime64`` a date in a form that the checks know. pandas has one type a column:
  whole numbers with gaps are floats there, and dates are texts unless they were parsed.
- A value that cannot be compared with a bound (a text among numbers) breaks its rule and is counted, with its line.
  Great Expectations stops that rule with an exception, which fails it too, without a count.
- Regular expressions and lengths look at the text as it stands. Great Expectations looks at what pandas made of it:
  ``35233`` with a gap in its column is ``35233.0`` there.
- A text in a set equals a cell letter by letter, a number by its value; in a column that pandas loads as numbers a text
  never equals anything.
- Two columns, or a value and the next, are compared as numbers where both are, as dates where both are, else as
  texts. ``1`` equals ``1.0`` only in a column of numbers.
- A date with slashes is read day first unless more of a batch can be read month first.
- A column that is not there breaks the rules about it, and no other; ``column_index = 0`` is heeded (release 1.24 of
  Great Expectations overlooks it).
- Left out of an export: bounds that are texts, and foreign keys into a file with more than 1,000 keys.
"""
