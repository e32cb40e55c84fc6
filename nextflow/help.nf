/*
 * What --help prints: all parameters, as nextflow_schema.json describes them.
 */

include { option ; parseJson } from './schema'

def helpOf(schema_file) {
    def groups = parseJson(schema_file.text).get('$defs').values()
    def width = groups.collectMany { group -> group.properties.keySet() }.collect { name -> option(name).size() }.max()
    def blocks = groups.collect { group ->
        def needs = group['x-needs'].collect { names -> names.collect { name -> option(name) }.join(' or ') }
        def title = needs ? "${group.title}, --workflow ${group['x-workflow']}: needs ${needs.join(', ')}" : group.title
        def lines = group.properties.collect { name, rule -> "  ${option(name).padRight(width)}  ${rule.description}${valuesOf(rule)}" }
        ([title] + lines).join("\n")
    }
    return "nextflow run nextflow -profile local --input samples.csv --fasta ref.fa --outdir results\n\n" + blocks.join("\n\n")
}

// [auto; or sr, long], [4000000]
def valuesOf(rule) {
    def others = rule['enum'] ? "; or ${(rule['enum'] - rule.get('default')).join(', ')}" : ''
    return rule.get('default') in [null, ''] ? '' : " [${rule.get('default')}${others}]"
}
