/*
 * Chunks of reads as parts of their samples: number, order, and a name of its own for each.
 */

// All chunks of the lanes of a sample. Mates are neighbours in the names of split: 0001_1.fq.gz, 0001_2.fq.gz.
def partsOf(metas, files) {
    def lanes = [metas, files].transpose().sort { lane -> lane[0].row }
    def cut = lanes.collect { meta, paths -> [meta, chunksOf(paths, meta.kind == 'paired reads' ? 2 : 1)] }
    def parts = cut.collectMany { meta, chunks ->
        chunks.indexed(1).collect { number, reads -> [meta + [chunk: number, chunks: chunks.size()], reads] }
    }
    return parts.indexed().collect { order, part ->
        // no sample has a + in its name
        def name = parts.size() == 1 ? part[0].id : "${part[0].id}+${part[0].lane}.${part[0].chunk}"
        [part[0] + [order: order, parts: parts.size(), part: name.toString()], part[1]]
    }
}

def chunksOf(paths, mates) {
    return (paths instanceof List ? paths : [paths]).sort { path -> path.name }.collate(mates)
}
