// Chunks, put together again, are the file that was cut.
include { BCFTOOLS_CONCAT } from '../main'
include { BCFTOOLS_SCATTER } from '../../scatter/main'

workflow {
    def calls = file("${projectDir}/../../../../../data/variants.vcf.gz")
    BCFTOOLS_SCATTER([[id: 'calls'], calls], 25)
    BCFTOOLS_CONCAT(BCFTOOLS_SCATTER.out.chunks.map { meta, parts -> [meta, parts.sort { part -> part.name }] })
    BCFTOOLS_CONCAT.out.vcf.toList().subscribe { found ->
        assert found.collect { meta, vcf, tbi -> [meta, vcf.name, tbi.name] } == [
            [[id: 'calls'], 'calls.scored.vcf.gz', 'calls.scored.vcf.gz.tbi']
        ]
        assert records(found[0][1]) == records(calls)
        assert found[0][2].size() > 0
    }
    BCFTOOLS_CONCAT.out.versions.toList().subscribe { found ->
        assert "${found}" ==~ /\[\[BCFTOOLS_CONCAT, bcftools, \d\S+]]/
    }
}

def records(vcf) {
    return vcf.splitText().findAll { line -> !line.startsWith('#') }
}
