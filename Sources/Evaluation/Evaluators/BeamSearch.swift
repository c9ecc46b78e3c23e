internal import TensorEngine

/// Writes a text token by token, keeping the most probable beginnings.
///
/// A text is as good as the mean log-probability of its tokens. The search ends when no beginning can
/// become better than the texts that have ended.
///
/// - Reference: transformers 4.26 `generation/beam_search.py`, `BeamSearchScorer`, and 5
///   `generation/utils.py`, `_beam_search`.
struct BeamSearch {
  let settings: CaptionSettings
  /// The id that ends a text.
  let end: Int

  /// Gives the scores of the token after each text, before the softmax, `[text, id]`.
  ///
  /// `parents` are the places that the texts' beginnings had among those of the call before.
  typealias Step = (_ texts: [[Int]], _ parents: [Int]) throws -> Tensor

  /// A text that goes on, or a continuation of one.
  private struct Beam {
    var text: [Int]
    /// The sum of the log-probabilities of what was written.
    var sum: Float
    /// Its beginning's place among those that went on.
    var parent: Int
  }

  /// Texts that have ended, the best ones only, with their scores.
  private struct Ended {
    let limit: Int
    private(set) var texts: [(text: [Int], score: Double)] = []

    var isFull: Bool { texts.count == limit }
    var worst: Double { texts.map(\.score).min() ?? -.infinity }

    mutating func add(_ beam: Beam, over length: Int) {
      let score = Double(beam.sum) / Double(length)
      guard !isFull || score > worst else { return }
      if isFull, let last = texts.indices.min(by: { texts[$0].score < texts[$1].score }) {
        texts.remove(at: last)
      }
      texts.append((beam.text, score))
    }
  }

  /// The text that begins with `start`, which is part of it, as far as its end.
  ///
  /// - Parameter start: fewer tokens than `settings.maximum`.
  /// - Throws: what `next` throws.
  func callAsFunction(start: [Int], _ next: Step) throws -> [Int] {
    guard settings.beams > 1 else { return try greedy(start: start, next) }
    let (beams, edition) = (settings.beams, settings.edition)
    var running = [Beam(text: start, sum: 0, parent: 0)]
    var ended = Ended(limit: beams)
    for length in start.count..<settings.maximum {
      let candidates = try continuations(of: running, next)
      let (best, isLast) = (candidates.prefix(beams), length + 1 == settings.maximum)
      // transformers 4 counts the prompt, but not the end.
      let own = edition == .four ? length : length + 1 - start.count
      for beam in best where beam.text.last == end { ended.add(beam, over: own) }
      running = Array(candidates.lazy.filter { $0.text.last != end }.prefix(beams))
      switch edition {
      case .four:
        if ended.isFull, let top = candidates.first, ended.worst >= Double(top.sum) / Double(own) {
          return result(of: ended)
        }
        if isLast { for beam in running { ended.add(beam, over: length + 1) } }
      case .five:
        if isLast { for beam in best where beam.text.last != end { ended.add(beam, over: own) } }
        if ended.isFull, let top = running.first, Double(top.sum) / Double(own) <= ended.worst {
          return result(of: ended)
        }
      }
    }
    return result(of: ended)
  }

  private func result(of ended: Ended) -> [Int] {
    guard let best = ended.texts.max(by: { $0.score < $1.score }) else {
      bug("a search of \(settings.maximum) tokens without a text")
    }
    return best.text
  }

  /// The continuations of all texts with the largest sums, the largest first: twice as many as beams,
  /// so that enough go on whichever end.
  private func continuations(of running: [Beam], _ next: Step) throws -> [Beam] {
    let scores = try next(running.map(\.text), running.map(\.parent)).logSoftmax
    let number = 2 * settings.beams
    var all: [Beam] = []
    for (place, beam) in running.enumerated() {
      for (id, score) in adjusted(scores, place, after: beam.text).largest(number) {
        all.append(Beam(text: beam.text + [id], sum: beam.sum + score, parent: place))
      }
    }
    let order = all.indices.sorted { (-all[$0].sum, $0) < (-all[$1].sum, $1) }
    return order.prefix(number).map { all[$0] }
  }

  /// The most probable token each time.
  private func greedy(start: [Int], _ next: Step) throws -> [Int] {
    var text = start
    while text.count < settings.maximum, text.last != end || text.count == start.count {
      let scores = adjusted(try next([text], [0]), 0, after: text)
      text.append(scores.largest(1)[0].place)
    }
    return text
  }

  /// A row of scores, with less for what is there already, and none for an end that comes too early.
  private func adjusted(_ scores: Tensor, _ place: Int, after text: [Int]) -> [Float] {
    var row = scores.sliced(axis: 0, place..<place + 1).values
    if settings.repetitionPenalty != 1 {
      for id in Set(text) {
        row[id] =
          row[id] < 0
          ? row[id] * settings.repetitionPenalty : row[id] / settings.repetitionPenalty
      }
    }
    if text.count < settings.minimum { row[end] = -.infinity }
    return row
  }
}
