/*
 * Parameters against their JSON schema, nextflow_schema.json, before any task starts. All problems are told at once.
 */

include { option ; parseJson ; problemsOf } from './schema'

// given: params; words: args, the words of the command line that belong to no parameter.
def checkInputs(given, words, schema_file) {
    def groups = parseJson(schema_file.text).get('$defs').values()
    def rules = groups.collectEntries { group -> group.properties }
    def unknown = given.keySet().findAll { name -> !rules.containsKey(name) && !name.contains('-') }
    def problems = words ? ["'${words.take(3).join("', '")}'${words.size() > 3 ? ' ...' : ''}: of no parameter; a pattern needs quotes: --calls 'calls/*.vcf.gz'"] : []
    problems += unknown.collect { name -> "${option(name)}: unknown parameter${hint(name, given, rules.keySet())}" }
    problems += given
        .findAll { name, value -> value != null && rules.containsKey(name) }
        .collectMany { name, value -> problemsOf(option(name), value, rules[name]) }
    problems += missingOf(given, groups)
    if (problems)
        error("invalid parameters:\n  " + problems.join("\n  "))
}

// What was meant: a parameter that differs in two letters at most or has the word in it, or --align-args=--eqx.
def hint(name, given, known) {
    def word = option(name)
    def likely = known.collect { other -> option(other) }.findAll { other ->
        distance(word, other) <= 2 || word.size() > 4 && other.contains(word.drop(2))
    }
    if (likely)
        return "; did you mean ${likely.min { other -> distance(word, other) }}?"
    def empty = known.find { other -> other.endsWith('Args') && given[other] == true }
    return empty ? "; write ${option(empty)}=${given[name] == true ? word : "'" + word + ' ' + given[name] + "'"}" : ''
}

// How many letters to insert, remove or replace until one word is the other.
def distance(word, other) {
    return word.toList().inject((0..other.size()).toList()) { above, letter ->
        other.toList().indexed().inject([above[0] + 1]) { row, at, there ->
            row + [[row[at] + 1, above[at + 1] + 1, above[at] + (letter == there ? 0 : 1)].min()]
        }
    }.last()
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
