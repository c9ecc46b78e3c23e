internal import AttentionTrace
private import Foundation
private import Pictures
private import Synchronization
private import TensorEngine

/// Scores the pictures of a benchmark, or of one of its shards, that have no score yet.
package struct BenchmarkScoring {
  /// A picture that is to be scored.
  private struct Item: Sendable {
    let prompt: SuitePrompt
    let method: String
    let seed: UInt64
    let picture: String
    /// The folder that links may not lead out of; `nil` for a photo, which is the user's own.
    var root: String?
    /// The name of a photo; `nil` for a run's picture.
    var photo: String?

    var key: String { "\(method)/\(prompt.id)/\(seed)" }
  }

  private let folder: BenchmarkFolder
  private let items: [Item]
  private let suffix: String
  /// Those of all shards; `nil` where photos are not scored.
  private let photos: PhotoFolder?

  /// Pictures whose scores are written together.
  private static let written = 32

  /// How many pictures there are, photos included.
  package var count: Int { items.count }
  /// How many of them are photos.
  package var photoCount: Int { items.count { $0.photo != nil } }
  /// How many runs are left out, of all shards: those that are not complete, and those whose picture is gone.
  package let leftOut: (incomplete: Int, withoutPicture: Int)

  /// The pictures of a benchmark, whose record becomes that of all runs in the folder.
  /// - Parameters:
  ///   - isPartial: whether pictures that are not there yet are left out.
  ///   - photos: what is scored beside the runs' pictures.
  /// - Throws: ``EvaluationError/benchmark(path:reason:)`` for the first run that is missing or not
  ///   complete or has no picture, unless `isPartial`; `TraceError` for a damaged one; `FileError`.
  package init(
    _ folder: BenchmarkFolder, shard: Shard, isPartial: Bool, photos: PhotoFolder? = nil
  ) throws {
    let suite = try Suite(folder.suite, format: .jsonl)
    let record = try folder.wholeRecord(of: suite)
    try folder.write(record)
    var (items, missing, bare): ([Item], [String], [String]) = ([], [], [])
    for prompt in suite.prompts {
      for seed in record.seeds {
        for method in record.methods where record.seeds(of: method).contains(seed) {
          let run = folder.run(prompt.id, method, seed: seed)
          if try folder.status(of: prompt, method, seed: seed) != .complete {
            missing.append(run.path)
          } else if !FileManager.default.fileExists(atPath: run.image) {
            bare.append(run.image)
          } else {
            items.append(
              Item(prompt: prompt, method: method, seed: seed, picture: run.image, root: run.path))
          }
        }
      }
    }
    guard isPartial || missing.isEmpty else {
      throw EvaluationError.benchmark(
        path: folder.path,
        reason:
          "\(missing.count) of \(missing.count + bare.count + items.count) runs are not complete, as "
          + "\(missing[0]): finish heed benchmark run, or score what is there with --partial")
    }
    guard isPartial || bare.isEmpty else {
      throw EvaluationError.benchmark(
        path: folder.path,
        reason: "\(bare.count) of \(bare.count + items.count) complete runs lack their picture, as "
          + "\(bare[0]): remove the folders of these runs and finish heed benchmark run, or score what is "
          + "there with --partial")
    }
    leftOut = (missing.count, bare.count)
    items += (photos?.photos ?? []).map { photo in
      Item(
        prompt: photo.prompt, method: PhotoFolder.method, seed: photo.number, picture: photo.path,
        photo: photo.name)
    }
    guard !items.isEmpty else {
      throw EvaluationError.benchmark(path: folder.path, reason: "expected complete runs, got none")
    }
    (self.folder, self.photos) = (folder, photos)
    self.items = shard.items(of: items, by: \.key)
    suffix = shard == .whole ? "" : ".\(shard.index)-of-\(shard.count)"
  }

  /// Scores what has no score by `scorer` yet.
  ///
  /// Photos have files of their own, `NAME.photos.jsonl`.
  /// - Parameters:
  ///   - onPictures: is told how many pictures were scored, or had been before, and may throw to stop.
  /// - Throws: ``EvaluationError/benchmark(path:reason:)`` where there are scores by another model, or of photos
  ///   that are not in the folder any more; what the scorer throws; `FileError`.
  package func score(
    with scorer: PictureScorer, onPictures: (_ done: Int) throws -> Void
  ) throws {
    let path = "\(folder.scores)/\(scorer.name)"
    let files =
      ["\(path)\(suffix).jsonl"] + (photos == nil ? [] : ["\(path).photos\(suffix).jsonl"])
    let there = try ScoreFile.all(in: folder.scores, continuing: files).filter {
      $0.scorer == scorer.name
    }
    if let other = there.first(where: { $0.model != scorer.model }) {
      throw EvaluationError.benchmark(
        path: folder.scores,
        reason: "\(scorer.name) scored with \(other.model), now with \(scorer.model): remove the "
          + "scores of one of them")
    }
    if let photos { try requirePhotos(there, in: photos, scorer) }
    let done = Set(there.map { "\($0.method)/\($0.id)/\($0.seed)" })
    let left = items.filter { !done.contains($0.key) }
    try onPictures(items.count - left.count)
    for (place, path) in files.enumerated() {
      try score(
        left.filter { ($0.photo != nil) == (place > 0) }, into: path, with: scorer,
        onPictures: onPictures)
    }
  }

  private func score(
    _ left: [Item], into path: String, with scorer: PictureScorer,
    onPictures: (_ done: Int) throws -> Void
  ) throws {
    var file = try ScoreFile(continuing: path)
    for first in stride(from: 0, to: left.count, by: Self.written) {
      let some = left[first..<min(first + Self.written, left.count)]
      let calls = stride(from: some.startIndex, to: some.endIndex, by: scorer.together).map {
        Array(some[$0..<min($0 + scorer.together, some.endIndex)])
      }
      let results = Mutex([Result<[PictureScore], any Error>?](repeating: nil, count: calls.count))
      Parallel.sideBySide(calls.count, atATime: scorer.atATime) { index in
        let result = Result { try Self.scores(calls[index], with: scorer) }
        results.withLock { $0[index] = result }
      }
      let scores = try results.withLock { try $0.flatMap { try $0?.get() ?? [] } }
      try file.append(scores)
      try onPictures(scores.count)
    }
  }

  private static func scores(
    _ items: [Item], with scorer: PictureScorer
  ) throws -> [PictureScore] {
    let pictures = Mutex([Result<Picture, any Error>?](repeating: nil, count: items.count))
    Parallel.forEach(items.count) { index in
      let result = Result { try picture(of: items[index]) }
      pictures.withLock { $0[index] = result }
    }
    let shown = try zip(items, pictures.withLock { try $0.compactMap { try $0?.get() } }).map {
      PictureScorer.Shown(prompt: $0.prompt, picture: $1, method: $0.method, seed: $0.seed)
    }
    return zip(items, try scorer.scores(shown)).map { $1.by(scorer.model, photo: $0.photo) }
  }

  private static func picture(of item: Item) throws -> Picture {
    // Models are shown a photo's colours as they are, however transparent.
    let picture = try PictureFile(item.picture, within: item.root, transparency: .dropped).picture
    do {
      try PicturePreprocessing.requireShape(picture)
    } catch let error as EvaluationError {
      throw EvaluationError.benchmark(path: item.picture, reason: error.description)
    }
    return picture
  }

  /// Refuses scores of photos that are gone or were changed: a table would mix them with those of today's.
  private func requirePhotos(
    _ there: [PictureScore], in photos: PhotoFolder, _ scorer: PictureScorer
  ) throws {
    let known = Set(photos.photos.map { "\($0.prompt.id)/\($0.number)" })
    let scored = there.filter { $0.method == PhotoFolder.method }
    if let gone = scored.first(where: { !known.contains("\($0.id)/\($0.seed)") }) {
      throw EvaluationError.benchmark(
        path: folder.scores,
        reason: "\(scorer.name) scored the photo \(FileError.quoted(gone.photo ?? gone.id)), which "
          + "\(photos.path) does not have as it was: give the same photos, or remove "
          + "\(scorer.name).photos*.jsonl")
    }
  }
}
