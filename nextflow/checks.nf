/*
 * Parameters and samplesheet against their JSON schemas, nextflow_schema.json and assets/schema_input.json, before
 * any task starts. All problems are told at once; those of a samplesheet with line and column.
 */

def checkInputs(given, schema_file) {
    def groups = parseJson(schema_file.text).get('$defs').values()
    def rules = groups.collectEntries { group -> group.properties }
    def unknown = given.keySet().findAll { name -> !rules.containsKey(name) && !name.contains('-') }
    def problems = unknown.collect { name -> "${option(name)}: unknown parameter" }
    problems += given
        .findAll { name, value -> value != null && rules.containsKey(name) }
        .collectMany { name, value -> problemsOf(option(name), value, rules[name]) }
    problems += problems ? [] : missingOf(given, groups)
    if (problems)
        error("invalid parameters:\n  " + problems.join("\n  "))
}

// What the chosen workflows need and was not given: each group of the schema says for which workflow it is.
def missingOf(given, groups) {
    def chosen = chosenWorkflows(given.workflow)
    def needed = groups.findAll { group -> group['x-workflow'] in chosen }.collectMany { group -> group['x-needs'] }
    return needed.unique()
        .findAll { names -> !names.any { name -> given[name] } }
        .collect { names -> "${names.collect { name -> option(name) }.join(' or ')}: required" }
}

def chosenWorkflows(text) {
    return text.toString().tokenize(',').collect { name -> name.trim() }
}

// All problems of a value against one property of a schema.
def problemsOf(name, value, rule) {
    if (value == true && rule.type == 'string')
        return ["${name}: has no value"]
    def typed = value instanceof CharSequence && rule.type in ['integer', 'number', 'boolean'] ? parseText(value) : value
    if (!isOfType(typed, rule.type))
        return ["${name}: expected ${rule.type}, got '${value}'"]
    def found = []
    if (rule.pattern && !(typed.toString() =~ rule.pattern))
        found << "${name}: '${value}' ${rule.errorMessage ?: 'does not match ' + rule.pattern}"
    if (rule['enum'] && !(typed in rule['enum']))
        found << "${name}: '${value}' is not one of ${rule['enum'].join(', ')}"
    if (rule.minimum != null && typed < rule.minimum)
        found << "${name}: ${value} is below ${rule.minimum}"
    if (rule.maximum != null && typed > rule.maximum)
        found << "${name}: ${value} is above ${rule.maximum}"
    if (!found && rule.exists)
        found += pathProblems(name, typed, rule.format)
    return found
}

def pathProblems(name, text, format) {
    def paths = format == 'file-path-pattern' ? pathsOf(text) : pathOf(text)
    if (!paths)
        return ["${name}: no such file: ${text}"]
    def other = paths.find { path -> path.isDirectory() != (format == 'directory-path') }
    if (other)
        return ["${name}: ${other} is ${other.isDirectory() ? 'a' : 'no'} folder"]
    // results are called after the files, and would replace each other
    def same = paths.groupBy { path -> nameOf(path) }.findAll { _called, some -> some.size() > 1 }
    return same.collect { called, some -> "${name}: results of ${some.join(', ')} would have one name, ${called}; rename a file" }
}

def isOfType(value, type) {
    if (type == 'integer')
        return value instanceof Integer || value instanceof Long || value instanceof BigInteger
    if (type == 'number')
        return value instanceof Number
    if (type == 'boolean')
        return value instanceof Boolean
    return value instanceof CharSequence || value instanceof Number // a folder may be called 2026
}

def parseText(text) {
    try {
        return parseJson(text.toString())
    }
    catch (Exception _error) {
        return text
    }
}

def parseJson(text) {
    return new groovy.json.JsonSlurper().parseText(text)
}

// --chunk-reads is params.chunkReads
def option(name) {
    return '--' + name.replaceAll(/([A-Z])/) { match -> '-' + match[0].toLowerCase() }
}

// The file or folder of a path, a list of one; none if nothing is given, or it is not there.
def pathOf(text) {
    return text ? [file(text.toString(), glob: false)].findAll { path -> path.exists() } : []
}

// The files of a path, a pattern or several of these with commas between; none if nothing is given.
def pathsOf(text) {
    def names = text ? text.toString().tokenize(',') : []
    def found = names.collect { name -> files(name.trim()).findAll { path -> path.exists() } }
    return found.every { paths -> paths } ? found.collectMany { paths -> paths } : []
}

// What results of a file are called: x.a for dir/x.a.vcf.gz. What a shell would not take as it is becomes _.
def nameOf(path) {
    def name = path.name.replaceFirst(/(?i)\.(gz|bgz|bz2|xz|zst)$/, '').replaceFirst(/\.[A-Za-z]+$/, '')
    return name.replaceAll(/[^A-Za-z0-9_.-]|^[.-]/, '_')
}

// [meta, file], meta: id (name of the results).
def named(paths) {
    return paths.collect { path -> [[id: nameOf(path)], path] }
}

// A samplesheet as [meta, files], a row each.
def readSamplesheet(sheet, schema_file) {
    def rules = parseJson(schema_file.text).items
    def lines = sheet.readLines().indexed(1).findAll { _number, line -> line.replace(',', '').trim() }
    def table = lines.collect { number, line -> [number, cellsOf(line)] }
    def names = table ? table[0][1].collect { name -> name.replace('\uFEFF', '') } : []
    def problems = headProblems(names, rules)
    if (!problems && table.size() < 2)
        problems = ["no samples"]
    def rows = problems ? [] : table.tail().collect { number, cells -> [number, rowOf(names, cells)] }
    problems += rows.collectMany { number, row -> rowProblems(row, rules, sheet).collect { problem -> "${number}: ${problem}" } }
    problems += problems ? [] : sampleProblems(rows)
    if (problems)
        error("invalid samplesheet:\n  " + problems.collect { problem -> "${sheet.name}:${problem}" }.join("\n  "))
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

def headProblems(names, rules) {
    def known = rules.properties.keySet()
    def twice = names.countBy { name -> name }.findAll { _name, count -> count > 1 }.keySet()
    return rules.required.findAll { name -> !(name in names) }.collect { name -> "1: column ${name}: missing" } +
        names.findAll { name -> !(name in known) }.collect { name -> "1: column ${name}: not one of ${known.join(', ')}" } +
        twice.collect { name -> "1: column ${name}: twice" }
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

// What only several rows together show.
def sampleProblems(rows) {
    def found = []
    rows.groupBy { _number, row -> [row.sample, row.lane ?: '1'] }.each { key, same ->
        if (same.size() > 1)
            found << "${same[1][0]}: sample '${key[0]}', lane '${key[1]}': already on line ${same[0][0]}"
    }
    rows.groupBy { _number, row -> row.sample }.each { sample, same ->
        def other = same.find { _number, row -> kindOf(row) != kindOf(same[0][1]) }
        if (other)
            found << "${other[0]}: sample '${sample}': ${kindOf(other[1])}, but ${kindOf(same[0][1])} on line ${same[0][0]}"
        def places = same.collectMany { number, row -> [row.fastq_1, row.fastq_2, row.bam].findAll().unique().collect { cell -> [cell, number] } }
        places.groupBy { cell, _number -> cell }.each { cell, twice ->
            if (twice.size() > 1)
                found << "${twice[1][1]}: sample '${sample}': ${cell} is already on line ${twice[0][1]}, and its reads would count twice"
        }
    }
    return found
}

def kindOf(row) {
    return row.bam ? 'alignments' : row.fastq_2 ? 'paired reads' : 'single reads'
}

// Relative paths are relative to the sheet.
def resolve(cell, sheet) {
    return cell.startsWith('/') || cell.contains('://') ? cell : sheet.parent.resolve(cell).toString()
}

// Why tasks failed for good, in the words of their commands: where bad samples are skipped, nobody else tells.
def skippedTasks(trace) {
    if (!trace.exists())
        return []
    def failed = trace.splitCsv(header: true, sep: '\t').findAll { task -> task.status == 'FAILED' && task.exit == '1' }
    return failed.collect { task ->
        def said = file("${task.workdir}/.command.err")
        def lines = said.exists() ? said.readLines().findAll { line -> line.trim() } : []
        "${task.name} was skipped: ${lines ? lines.last() : 'see ' + task.workdir}"
    }
}
