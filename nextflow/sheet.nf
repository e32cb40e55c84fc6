/*
 * A samplesheet against its JSON schema, assets/schema_input.json. All problems are told at once, with line and column.
 */

include { parseJson ; problemsOf } from './schema'

// A samplesheet as [meta, files], a row each.
def readSamplesheet(sheet, schema_file) {
    def rules = parseJson(schema_file.text).items
    def lines = sheet.readLines().indexed(1).findAll { _number, line -> line.replace(',', '').trim() }
    def table = lines.collect { number, line -> [number, cellsOf(line)] }
    def names = table ? table[0][1].collect { name -> name.replace('\uFEFF', '') } : []
    def problems = headProblems(names, rules, table.size()).collect { problem -> [table ? table[0][0] : 1, problem] }
    def rows = problems ? [] : table.tail().collect { number, cells -> [number, rowOf(names, cells)] }
    problems += rows.collectMany { number, row -> rowProblems(row, rules, sheet).collect { problem -> [number, problem] } }
    problems += sampleProblems(rows.findAll { number, _row -> !problems.any { line, _problem -> line == number } })
    if (problems)
        error("invalid samplesheet:\n  " + problems.collect { number, problem -> "${sheet.name}:${number}: ${problem}" }.join("\n  "))
    filesOf(rows).groupBy { cell, _number, _sample -> cell }.each { cell, uses ->
        if (uses.size() > 1)
            log.warn("${sheet.name}:${uses[1][1]}: ${cell} is of sample '${uses[1][2]}' and, on line ${uses[0][1]}, of '${uses[0][2]}'")
    }
    def lanes = rows.countBy { _number, row -> row.sample }
    return rows.collect { number, row ->
        def cells = kindOf(row) == 'alignments' ? [row.bam] : [row.fastq_1, row.fastq_2].findAll { cell -> cell }
        def meta = [id: row.sample, lane: row.lane ?: '1', row: number, lanes: lanes[row.sample], kind: kindOf(row)]
        [meta, cells.collect { cell -> file(resolve(cell, sheet), glob: false) }]
    }
}

// Cells of a line; a comma within quotes is part of a cell.
def cellsOf(line) {
    def cells = line.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/, -1)
    return cells.collect { cell -> cell.trim().replaceAll(/^"|"$/, '') }
}

def headProblems(names, rules, lines) {
    if (!names)
        return ["the sheet is empty"]
    if (names.size() == 1 && names[0] =~ /[;\t]/)
        return ["columns are separated by ${names[0].contains(';') ? 'semicolons' : 'tabs'}, must be by commas"]
    def known = rules.properties.keySet()
    def twice = names.countBy { name -> name }.findAll { _name, count -> count > 1 }.keySet()
    def found = rules.required.findAll { name -> !(name in names) }.collect { name -> "column ${name}: missing" } +
        names.findAll { name -> !(name in known) }.collect { name -> "column ${name}: not one of ${known.join(', ')}" } +
        twice.collect { name -> "column ${name}: twice" }
    return found || lines > 1 ? found : ["no samples below the names of the columns"]
}

def rowOf(names, cells) {
    def row = [names, cells.take(names.size())].transpose().collectEntries { name, cell -> [name, cell] }
    return row + [surplus: cells.drop(names.size()).findAll { cell -> cell }]
}

def rowProblems(row, rules, sheet) {
    def found = rules.required.findAll { name -> !row[name] }.collect { name -> "${name}: missing" }
    found += rules.properties
        .findAll { name, _rule -> row[name] }
        .collectMany { name, rule ->
            problemsOf(name, rule.format == 'file-path' ? resolve(row[name], sheet) : row[name].toString(), rule)
        }
    if (row.surplus)
        found << "more cells than columns: ${row.surplus.join(', ')}"
    if (!row.fastq_1 && !row.bam)
        found << (row.fastq_2 ? "fastq_1: missing, though fastq_2 is there" : "fastq_1 or bam: missing")
    if (row.fastq_1 && row.bam)
        found << "bam: given beside fastq_1; a row holds one of them"
    if (row.fastq_1 && row.fastq_1 == row.fastq_2)
        found << "fastq_2: the same file as fastq_1"
    return found
}

// What only several rows together show: [line, problem].
def sampleProblems(rows) {
    def found = []
    rows.groupBy { _number, row -> [row.sample, row.lane ?: '1'] }.each { key, same ->
        same.tail().each { number, _row -> found << [number, "sample '${key[0]}', lane '${key[1]}': already on line ${same[0][0]}"] }
    }
    rows.groupBy { _number, row -> row.sample }.each { sample, same ->
        def kind = kindOf(same[0][1])
        same.findAll { _number, row -> kindOf(row) != kind }.each { number, row ->
            found << [number, "sample '${sample}': ${kindOf(row)}, but ${kind} on line ${same[0][0]}"]
        }
        filesOf(same).groupBy { cell, _number, _sample -> cell }.each { cell, uses ->
            uses.tail().each { _cell, number, _sample ->
                found << [number, "sample '${sample}': ${cell} is already on line ${uses[0][1]}, and its reads would count twice"]
            }
        }
    }
    return found
}

// [file, line, sample]
def filesOf(rows) {
    return rows.collectMany { number, row -> [row.fastq_1, row.fastq_2, row.bam].findAll().collect { cell -> [cell, number, row.sample] } }
}

def kindOf(row) {
    return row.bam ? 'alignments' : row.fastq_2 ? 'paired reads' : 'single reads'
}

// Relative paths are relative to the sheet.
def resolve(cell, sheet) {
    return cell.startsWith('/') || cell.contains('://') ? cell : sheet.parent.resolve(cell).toString()
}
