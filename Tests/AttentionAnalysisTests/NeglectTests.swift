import AttentionAnalysis
import AttentionTrace
import Foundation
import RecordingProbe
import Testing

@Suite("Neglect")
struct NeglectTests {
  /// A run of `steps` whose two subjects have the given excitation scores.
  private struct Course: Sendable {
    var cat: [Float]
    var frog: [Float]
    var method = "attend-and-excite"
    var seed: UInt64 = 0
    var tries: [Int: Int] = [:]
    var altered = 5
    /// How far each step moved the latent; as many units as its number unless given.
    var movement: [Float]?
    /// The latent's largest absolute value by step; none recorded unless given.
    var latents: [Float]?

    /// Writes the run's folder by hand: manifest and journal, nothing recorded.
    func report(_ criteria: NeglectCriteria = NeglectCriteria()) throws -> NeglectReport {
      let path = FileManager.default.temporaryDirectory.path + "/heed-" + UUID().uuidString
      defer { try? FileManager.default.removeItem(atPath: path) }
      var manifest = SyntheticRun(plan: nil, steps: cat.count).manifest
      manifest.request.seed = seed
      manifest.method.name = method
      manifest.method.alteredSteps = method == "stable-diffusion" ? 0 : altered
      manifest.request.method.knobs["max-refinement-steps"] = "20"
      if method == "stable-diffusion" { manifest.method.thresholds = [:] }
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try JSONEncoder().encode(manifest).write(to: URL(fileURLWithPath: path + "/run.json"))
      try journal().write(toFile: path + "/calls.jsonl", atomically: true, encoding: .utf8)
      return try NeglectReport(RecordedRun(path), criteria: criteria)
    }

    private func journal() throws -> String {
      var records: [CallRecord] = []
      func add(_ step: Int, _ phase: Phase, _ attempt: Int, _ measurement: PassMeasurement) {
        records.append(
          CallRecord(
            call: records.count, step: step, timestep: Double(1000 - step), branch: .conditional,
            phase: phase, attempt: attempt, measurement: measurement, checksums: [:]))
      }
      for step in cat.indices {
        let loss = 1 - min(cat[step], frog[step])
        if let tries = tries[step] {
          add(step, .loss, tries, PassMeasurement(loss: loss, scores: [cat[step], frog[step]]))
        }
        let moved =
          method == "stable-diffusion"
          ? nil : LatentDisplacement(norm: movement?[step] ?? Float(step), latentNorm: 10)
        add(
          step, .denoise, 0,
          PassMeasurement(
            loss: loss, scores: [cat[step], frog[step]], displacement: moved,
            latentMagnitude: latents?[step]))
      }
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys]
      encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
      return try records.map { String(decoding: try encoder.encode($0), as: UTF8.self) + "\n" }
        .joined()
    }
  }

  @Test(
    "A verdict follows from the score in the window and the best there was",
    arguments: [
      ([0.1, 0.9, 0.9, 0.9, 0.9], NeglectVerdict.high),
      ([0.1, 0.9, 0.9, 0.9, 0.8], .high), ([0.1, 0.9, 0.9, 0.9, 0.79], .weak),
      ([0.1, 0.2, 0.2, 0.2, 0.5], .weak), ([0.1, 0.2, 0.79, 0.2, 0.49], .neglected),
      ([0.1, 0.8, 0.3, 0.2, 0.49], .lost), ([0, 0, 0, 0, 0], .neglected),
      ([0.1, 0.9, 0.9, 0.9, .nan], .unmeasured),
    ] as [([Float], NeglectVerdict)])
  func verdicts(_ course: [Float], _ verdict: NeglectVerdict) throws {
    let values = course.map { $0.isNaN ? Float(0) : $0 }
    // NaN stands for a window that was not reached.
    let window = course.last?.isNaN == true ? 7...8 : nil
    let report = try Course(cat: values, frog: [1, 1, 1, 1, 1]).report(
      NeglectCriteria(window: window))
    #expect(report.subjects[0].verdict == verdict)
    #expect(report.subjects[0].reason.hasPrefix("cat"))
    if verdict == .lost {
      #expect(
        report.subjects[0].reason
          == "cat is lost: it was 0.8 at step 1, fell below 0.5 at step 2, and its excitation "
          + "score averages 0.49 over step 4")
    }
  }

  @Test(
    "Scores that are no numbers are no trap and no verdict",
    arguments: [
      ([0.1, 0.9, 0.9, 0.9, .infinity], "averages inf over step 4, which is no score"),
      ([0.1, 0.9, 0.9, 0.9, -.infinity], "averages -inf over step 4, which is no score"),
      ([.infinity, .infinity, .infinity, .infinity, .infinity], "averages inf over step 4"),
      ([.nan, .nan, .nan, .nan, .nan], "nothing was measured in step 4"),
    ] as [([Float], String)])
  func notFinite(_ course: [Float], _ words: String) throws {
    let report = try Course(cat: course, frog: [1, 1, 1, 1, 1]).report()
    #expect(report.subjects[0].verdict == .unmeasured)
    #expect(report.subjects[0].reason.contains(words), "\(report.subjects[0].reason)")
    #expect(report.subjects[1].verdict == .high)
  }

  @Test("Huge scores, and infinite ones before the window, are told as they are")
  func huge() throws {
    let huge = try Course(cat: [0, 0, 0, 0, 3e38], frog: [.infinity, .nan, 0.9, 0.2, 0.1]).report()
    #expect(huge.subjects[0].verdict == .high)
    #expect(huge.subjects[0].reason.contains("averages 3e+38"), "\(huge.subjects[0].reason)")
    #expect(huge.subjects[1].verdict == .lost)
    #expect(huge.subjects[1].reason.hasPrefix("frog is lost: it was 0.9 at step 2"))
  }

  @Test(
    "A high score is said to stay up from the step on at which it does, and nothing of the picture",
    arguments: [
      ([0.1, 0.9, 0.9, 0.9, 0.9], "stays above 0.5 from step 1"),
      ([0.9, 0.9, 0.4, 0.9, 0.9], "stays above 0.5 from step 3"),
      ([0.9, 0.9, 0.9, 0.9, 0.9], "stays above 0.5 from step 0"),
    ] as [([Float], String)])
  func staying(_ course: [Float], _ words: String) throws {
    let subject = try Course(cat: course, frog: course).report().subjects[0]
    #expect(
      subject.reason
        == "cat has a high score: its excitation score averages 0.9 over step 4, and \(words)")
  }

  @Test("Steps count as moved where the latent was moved, and a run that moved none is told")
  func moved() throws {
    let high: [Float] = [0.9, 0.9, 0.9, 0.9, 0.9]
    let some = try Course(cat: high, frog: high, movement: [2, 0, 1, 0, 0]).report()
    #expect(some.movedSteps == 2 && some.moved == 3)
    let none = try Course(cat: high, frog: high, movement: [0, 0, 0, 0, 0]).report()
    let plain = try Course(cat: high, frog: high, method: "stable-diffusion").report()
    #expect(none.movedSteps == 0 && plain.movedSteps == nil)
    let reports = [some, none, plain]
    let text = NeglectTable(reports, try NeglectComparison([some, plain])).text(.text)
    #expect(text.components(separatedBy: "seed 0: no step moved the latent").count == 2)
    #expect(text.contains("6 of 6 subjects have a high excitation score"))
  }

  @Test(
    "A latent is out of range above 1.25 times the plain run's, or 10 without one; else nothing is said",
    arguments: [
      ([1, 2, 3, 4, 4], [1, 2, 2, 3, 4], 2, 3, 2, 2),
      ([1, 2, 2.5, 3.75, 4], [1, 2, 2, 3, 4], nil, 0, nil, 0),
      ([1, 2, 9, 11, 10], nil, 3, 11, nil, 1), ([1, 2, 9, 10, 10], nil, nil, 0, nil, 0),
      (nil, [1, 2, 2, 3, 4], nil, 0, nil, 0),
    ] as [([Float]?, [Float]?, Int?, Float, Float?, Int)])
  func latents(
    _ excited: [Float]?, _ plain: [Float]?, _ step: Int?, _ magnitude: Float, _ partner: Float?,
    _ steps: Int
  ) throws {
    let high: [Float] = [0.9, 0.9, 0.9, 0.9, 0.9]
    let run = try Course(cat: high, frog: high, latents: excited).report()
    // Another seed's plain run is no partner.
    let others = try [
      Course(cat: high, frog: high, method: "stable-diffusion", seed: 1, latents: [0, 0, 0, 0, 0]),
      Course(cat: high, frog: high, method: "stable-diffusion", latents: plain),
    ].map { try $0.report() }
    let found = LatentExcess.found(in: others + [run])
    #expect(found.map(\.report.path) == (step == nil ? [] : [run.path]))
    if let excess = found.first?.excess {
      #expect(excess.step == step && excess.magnitude == magnitude)
      #expect(excess.plain == partner && excess.steps == steps)
      let text = NeglectTable([run] + others, try NeglectComparison([run] + others)).text(.text)
      #expect(text.contains("seed 0: \(excess.words)"))
      #expect(
        excess.words.contains(
          partner == nil ? "11.0 standard deviations of the initial noise" : "1.5 times that of"))
    }
  }

  @Test("Of several runs out of range, the farthest are told")
  func severalLatents() throws {
    let high: [Float] = [0.9, 0.9, 0.9, 0.9, 0.9]
    let reports = try [
      Course(cat: high, frog: high, method: "stable-diffusion", latents: [1, 2, 2, 3, 4]),
      Course(cat: high, frog: high, latents: [1, 2, 3, 4, 4]),
      Course(cat: high, frog: high, seed: 1, latents: [1, 2, 9, 11, 10]),
      Course(cat: high, frog: high, seed: 2, latents: [1, 2, 9, 14, 10]),
    ].map { try $0.report() }
    let words = LatentExcess.words(LatentExcess.found(in: reports).map(\.excess))
    #expect(words.contains("up to 1.5 times that of Stable Diffusion’s run"), "\(words)")
    #expect(words.contains("up to 14.0 standard deviations of the initial noise"), "\(words)")
  }

  @Test(
    "The window is the last fifth of the altered steps, or of the first half of a plain run",
    arguments: [
      (25, 50, 20...24), (5, 50, 4...4), (50, 50, 40...49), (0, 50, 20...24), (0, 3, 1...1),
    ])
  func windows(_ altered: Int, _ steps: Int, _ window: ClosedRange<Int>) throws {
    let values = [Float](repeating: 0.6, count: steps)
    var course = Course(cat: values, frog: values, altered: altered)
    if altered == 0 { course.method = "stable-diffusion" }
    #expect(try course.report().window == window)
  }

  @Test("Thresholds are reached at the first step that has them, tries and movement are counted")
  func trajectory() throws {
    let course = Course(
      cat: [0.1, 0.6, 0.4, 0.7, 0.7], frog: [0.9, 0.9, 0.9, 0.9, 0.9], tries: [0: 20, 3: 4])
    let report = try course.report()
    // The synthetic method asks for 0.5 at step 0 and 0.8 at step 10.
    #expect(report.subjects[0].thresholds.map(\.reachedAt) == [1, nil])
    #expect(report.subjects[1].thresholds.map(\.reachedAt) == [0, 0])
    #expect(report.tries == [0: 20, 3: 4] && report.exhaustedSteps == [0])
    #expect(report.moved == 10 && report.movements.map(\.relative) == [0, 0.1, 0.2, 0.3, 0.4])
    #expect(report.weakest == 0.7 && report.subjects[0].massShare == nil)
    #expect(report.losses.map(\.step) == Array(0..<5))
  }

  @Test("Excited runs are compared with plain ones of their seed, with the mean's interval")
  func comparison() throws {
    let seeds: [(UInt64, Float, Float)] = [(0, 0.2, 0.9), (1, 0.9, 0.9), (2, 0.4, 0.8)]
    var reports = try seeds.flatMap { seed, plain, excited in
      try [("stable-diffusion", plain), ("attend-and-excite", excited)].map { method, value in
        try Course(
          cat: Array(repeating: value, count: 5), frog: [1, 1, 1, 1, 1], method: method, seed: seed
        ).report()
      }
    }
    // A seed without partner does not count.
    reports.append(
      try Course(cat: [0, 0, 0, 0, 0], frog: [0, 0, 0, 0, 0], seed: 9).report())
    let changes = try NeglectComparison(reports).changes
    #expect(changes.map(\.subject) == ["cat", "frog", nil])
    let cat = changes[0]
    #expect(cat.seeds == [0, 1, 2] && cat.plainNeglected == 2 && cat.excitedNeglected == 0)
    #expect(abs(cat.plain - 0.5) < 1e-6 && abs(cat.excited - 2.6 / 3) < 1e-6)
    let expected = Bootstrap().interval(
      of: [0.9, 0.9, 0.8].indices.map {
        Double([Float(0.9), 0.9, 0.8][$0]) - Double([Float(0.2), 0.9, 0.4][$0])
      })
    #expect(cat.difference == expected && cat.difference.lower < cat.difference.estimate)
    #expect(changes[2].plain == cat.plain && changes[1].difference.estimate == 0)
  }

  @Test("What was recorded gives each subject its share of the words' mass and its peak")
  func recorded() throws {
    var plan = SyntheticRun.everything
    plan.precision = .float32
    try SyntheticRecording.with(SyntheticRun(plan: plan, steps: 5)) { recorded in
      // The loss pass of a synthetic run is measured, its noise prediction is not: scores are of the maps.
      let report = try NeglectReport(recorded)
      #expect(report.losses.isEmpty && report.subjects.allSatisfy { $0.trajectory.count == 5 })
      #expect(report.subjects.allSatisfy { $0.verdict != .unmeasured && $0.score > 0 })
      #expect(report.scoreRecipe?.layers == ["2x3"])
      let maps = try recorded.aggregate(
        by: Recipe(layers: "2x3", steps: report.window))
      let masses = (0..<7).map { maps.map(at: $0).values.reduce(0, +) }
      for (subject, token) in zip(report.subjects, [2, 5]) {
        let share = Double(masses[token] / masses[1..<6].reduce(0, +))
        #expect(abs((subject.massShare ?? 0) - share) < 1e-6)
        #expect(subject.peak == MapPeak(of: maps.map(at: token)))
      }
      #expect(report.peakDistances.count == 1)
    }
  }

  @Test("A run without subjects is refused")
  func noSubjects() throws {
    try SyntheticRecording.with(SyntheticRun(plan: nil, steps: 1)) { recorded in
      var manifest = recorded.manifest
      manifest.subjects = []
      try JSONEncoder().encode(manifest).write(
        to: URL(fileURLWithPath: recorded.folder.manifest))
      #expect(throws: AnalysisError.self) {
        try NeglectReport(RecordedRun(recorded.folder.path))
      }
    }
  }
}
