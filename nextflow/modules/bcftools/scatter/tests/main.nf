// Sixty records make three chunks, and a file without records makes one.
include { BCFTOOLS_SCATTER } from '../main'

workflow {
    def calls = file("${projectDir}/../../../../../data/variants.vcf.gz")
    def header = calls.splitText().findAll { line -> line.startsWith('#') }.join()
    def none = channel.of(header).collectFile(name: 'none.vcf')
    BCFTOOLS_SCATTER(none.mix(channel.of(calls)).map { path -> [[id: path.simpleName], path] }, 25)
    BCFTOOLS_SCATTER.out.chunks.toList().subscribe { found ->
        def counts = found.collectEntries { meta, parts ->
            [meta.id, [parts].flatten().collectEntries { part -> [part.name, records(part)] }]
        }
        assert counts == [
            variants: ['part0.vcf.gz': 25, 'part1.vcf.gz': 25, 'part2.vcf.gz': 10],
            none: ['part0.vcf.gz': 0],
        ]
    }
    BCFTOOLS_SCATTER.out.versions.unique().toList().subscribe { found ->
        assert "${found}" ==~ /\[\[BCFTOOLS_SCATTER, bcftools, \d\S+]]/
    }
}

def records(vcf) {
    return vcf.splitText().count { line -> !line.startsWith('#') }
}
