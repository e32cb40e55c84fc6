// The insert size of pairs is learned.
include { GENOSEQ_INDEX } from '../../index/main'
include { GENOSEQ_SETTINGS } from '../main'

workflow {
    def data = file("${projectDir}/../../../../../data")
    def lane = [id: 'pairs', lane: '1']
    GENOSEQ_INDEX([[id: 'genome'], data / 'genome.fa.gz'])
    GENOSEQ_SETTINGS([lane, [data / 'pairs_1.fq.gz', data / 'pairs_2.fq.gz']], GENOSEQ_INDEX.out.index)
    GENOSEQ_SETTINGS.out.settings.toList().subscribe { found ->
        assert found.collect { meta, settings -> [meta, settings.name] } == [[lane, 'settings.json']]
        assert found[0][1].text.contains('"source": "learned"')
    }
    GENOSEQ_SETTINGS.out.versions.toList().subscribe { found ->
        assert "${found}" ==~ /\[\[GENOSEQ_SETTINGS, genoseq, \d\S+]]/
    }
}
