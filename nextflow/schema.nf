/*
 * A value against a property of a JSON schema; the files that it names, and what their results are called. Includes
 * nothing: the strict parser of 25.04.0 fails where a module that includes another is included twice.
 */

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
        found += pathProblems(name, typed, rule)
    return found
}

def pathProblems(name, text, rule) {
    def paths = rule.format == 'file-path-pattern' ? pathsOf(text) : pathOf(text)
    if (!paths)
        return ["${name}: no such file: ${text}"]
    def other = paths.find { path -> path.isDirectory() != (rule.format == 'directory-path') }
    if (other)
        return ["${name}: ${other} is ${other.isDirectory() ? 'a' : 'no'} folder"]
    def alien = rule['x-pattern'] ? paths.findAll { path -> !(path.name =~ rule['x-pattern']) } : []
    if (alien)
        return alien.collect { path -> "${name}: '${path}' ${rule.errorMessage}" }
    def empty = rule['x-fasta'] ? paths.findAll { path -> !beginsAsFasta(path) } : []
    if (empty)
        return empty.collect { path -> "${name}: ${path}: no contigs; FASTA is expected, and begins with >" }
    // results are called after the files, and would replace each other
    def same = paths.groupBy { path -> nameOf(path) }.findAll { _called, some -> some.size() > 1 }
    return same.collect { called, some -> "${name}: results of ${some.join(', ')} would have one name, ${called}; rename a file" }
}

// Whether the first line that is not blank is a header; of compressed files only gzip is looked into.
def beginsAsFasta(path) {
    if (path.name =~ /(?i)\.(bz2|xz|zst)$/)
        return true
    return path.newInputStream().withStream { raw ->
        def text = path.name =~ /(?i)\.b?gz$/ ? new java.util.zip.GZIPInputStream(raw) : raw
        text.newReader().find { line -> line.trim() }?.startsWith('>')
    }
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
