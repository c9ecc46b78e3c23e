package import AttentionTrace

/// A run whose latent grew out of range: its picture may have suffered, down to noise, whatever its
/// subjects' excitation scores are.
///
/// Compared are the latent's largest absolute values. A run whose noise another run by plain Stable
/// Diffusion shares is above it where its value is more than ``factor`` times as large as that of the
/// same step; any other where it is above ``limit`` standard deviations of the initial noise.
package struct LatentExcess: Hashable, Sendable, Encodable {
  /// The most that a latent may be as a multiple of the plain run's.
  package static let factor: Float = 1.25
  /// The most that it may be where there is no plain run, in units of the initial noise.
  package static let limit: Float = 10

  /// The step at which the latent is farthest above what it may be.
  package let step: Int
  /// Its largest absolute value there, in units of the initial noise.
  package let magnitude: Float
  /// That of the plain run; `nil` if there is none.
  package let plain: Float?
  /// How many steps are above.
  package let steps: Int

  /// - Parameters:
  ///   - magnitudes: the latent's largest absolute value by step.
  ///   - plain: the same of plain Stable Diffusion from the same noise; steps without are compared with
  ///     ``limit``.
  /// - Returns: `nil` if no step is above, or nothing was recorded.
  init?(_ magnitudes: [Int: Float], plain: [Int: Float]) {
    func share(_ step: Int, _ magnitude: Float) -> Float {
      magnitude / (plain[step].map { $0 * Self.factor } ?? Self.limit)
    }
    let above = magnitudes.filter { share($0.key, $0.value) > 1 }
    let worst = above.max { one, other in
      let (left, right) = (share(one.key, one.value), share(other.key, other.value))
      return left == right ? one.key > other.key : left < right
    }
    guard let worst else { return nil }
    (step, magnitude, steps) = (worst.key, worst.value, above.count)
    self.plain = plain[worst.key]
  }

  /// What was measured in runs of one method, for people: the numbers of the run that is farthest above.
  package static func words(_ excesses: [LatentExcess]) -> String {
    let ratios = excesses.compactMap { one in one.plain.map { one.magnitude / $0 } }
    guard excesses.count > 1 else { return excesses.first?.words ?? "" }
    let plain = ratios.max().map {
      "up to \(TableText.tenths($0)) times that of \(RunManifest.Method.plainTitle)’s run at the same step"
    }
    let alone = excesses.filter { $0.plain == nil }.map(\.magnitude).max().map {
      "up to \(TableText.tenths($0)) standard deviations of the initial noise"
    }
    let large = [plain, alone].compactMap(\.self).joined(separator: " and ")
    return "the latent’s largest value is \(large); the pictures may have suffered"
  }

  /// What was measured, for people.
  package var words: String {
    let large =
      plain.map { plain in
        "\(TableText.tenths(magnitude / plain)) times that of \(RunManifest.Method.plainTitle)’s run at "
          + "step \(step) (above \(Self.factor) times in \(count))"
      }
      ?? "\(TableText.tenths(magnitude)) standard deviations of the initial noise at step \(step) "
      + "(out of range in \(count))"
    return "the latent’s largest value is \(large); the picture may have suffered"
  }

  private var count: String { "\(steps) \(steps == 1 ? "step" : "steps")" }

  /// Those of runs that are out of range, each compared with the plain run among them.
  package static func found(
    in runs: [RecordedRun]
  ) -> [(run: RecordedRun, excess: LatentExcess)] {
    found(in: runs) { ($0.manifest, $0.latentMagnitudes) }.map { (runs[$0.place], $0.excess) }
  }

  /// The same of reports.
  package static func found(
    in reports: [NeglectReport]
  ) -> [(report: NeglectReport, excess: LatentExcess)] {
    found(in: reports) { ($0.manifest, $0.latentMagnitudes) }
      .map { (reports[$0.place], $0.excess) }
  }

  private static func found<Run>(
    in runs: [Run], _ course: (Run) -> (manifest: RunManifest, magnitudes: [Int: Float])
  ) -> [(place: Int, excess: LatentExcess)] {
    let courses = runs.map(course)
    func isPlain(_ manifest: RunManifest) -> Bool {
      manifest.method.name == NeglectComparison.plainMethod
    }
    let plain = courses.filter { isPlain($0.manifest) }
    return courses.enumerated().compactMap { place, run in
      let partner = plain.first { other in
        !isPlain(run.manifest) && other.manifest.seed == run.manifest.seed
          && !other.manifest.isOfOtherPipeline(than: run.manifest)
          && other.manifest.incomparability(with: run.manifest) == nil
      }
      return LatentExcess(run.magnitudes, plain: partner?.magnitudes ?? [:]).map { (place, $0) }
    }
  }
}
