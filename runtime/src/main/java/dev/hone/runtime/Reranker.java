package dev.hone.runtime;

import dev.hone.model.Head;
import dev.hone.tokenizer.Truncation;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Scores pairs by a cross-encoder, and orders documents by a cross-encoder or a bi-encoder. */
record Reranker(PackedRun run) {

  List<Float> score(List<TextPair> pairs) {
    var head =
        run.head(Head.SequenceLabels.class, "no score for a pair, so it is no cross-encoder");
    if (head.out().out() != 1) {
      throw new UnsupportedByModelException(
          run.model().folder()
              + " has "
              + head.out().out()
              + " labels: a cross-encoder that scores has one");
    }
    Relevance relevance = Relevance.of(run.model().config());
    return run.pairs(
        pairs.size(),
        1,
        pairs::get,
        Truncation.LONGEST_FIRST,
        (pair, encoding, rows) -> relevance.score(rows[0][0]));
  }

  /** Best first; equal ones stay in order. */
  List<Ranked> rank(String query, List<String> documents) {
    List<Float> scores =
        switch (run.engine().model().head()) {
          case Head.SentenceEmbedding _ -> new Embedder(run).similarities(query, documents);
          case Head.SequenceLabels _, Head.TokenLabels _, Head.HiddenStates _, Head.NextToken _ ->
              score(documents.stream().map(d -> new TextPair(query, d)).toList());
        };
    var ranking = new ArrayList<Ranked>(scores.size());
    for (int i = 0; i < scores.size(); i++) {
      ranking.add(new Ranked(i, scores.get(i)));
    }
    ranking.sort(Comparator.comparingDouble(Ranked::score).reversed());
    return List.copyOf(ranking);
  }
}
