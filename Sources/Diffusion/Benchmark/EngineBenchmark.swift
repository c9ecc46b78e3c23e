internal import AttentionTrace
internal import PromptText
internal import TensorEngine

/// Times the engine on the passes that pictures are made of, and on pictures.
///
/// Each part of the checkpoint is loaded for its passes alone, so that the memory of one says nothing
/// of another's. Random latents, a fixed prompt.
package struct EngineBenchmark {
  /// The picture's steps, of which the first half is altered.
  package static let steps = 50
  static let prompt = "a cat and a frog"
  static let subjects = [Subject(name: "cat", tokens: [2]), Subject(name: "frog", tokens: [5])]

  private let checkpoint: Checkpoint
  /// The picture's size; `nil` for the one that the checkpoint was trained at.
  private let size: ImageSize?
  private let repeats: Int
  /// Told of what is about to be measured.
  private let progress: (String) -> Void

  /// - Parameters:
  ///   - size: the picture's; `nil` for the one that the checkpoint was trained at.
  ///   - repeats: how often each pass is run; at least 1.
  package init(
    _ checkpoint: Checkpoint, size: ImageSize? = nil, repeats: Int,
    progress: @escaping (String) -> Void = { _ in }
  ) {
    self.checkpoint = checkpoint
    self.size = size
    self.repeats = max(1, repeats)
    self.progress = progress
  }

  /// Measures `passes`, in the order in which a picture takes them.
  /// - Throws: what loading the checkpoint and running it throws.
  package func measure(_ passes: Set<EnginePass>) throws -> [EngineMeasurement] {
    var tallies: [EnginePass: PassTally] = [:]
    let embeddings = try measureText(passes, &tallies)
    if !passes.subtracting([.text, .decode]).isEmpty {
      try measureUNet(passes, embeddings, &tallies)
    }
    if passes.contains(.decode) { try measureDecoder(&tallies) }
    return EnginePass.allCases.compactMap { pass in
      passes.contains(pass) ? tallies[pass].map { EngineMeasurement(pass, $0) } : nil
    }
  }

  /// The embeddings of the prompt and of the empty one.
  private func measureText(
    _ passes: Set<EnginePass>, _ tallies: inout [EnginePass: PassTally]
  ) throws -> (conditional: PromptEmbedding, unconditional: PromptEmbedding) {
    let encoders = try checkpoint.makeTextEncoders()
    let tables = [Self.prompt, ""].map { encoders.tokenizer.encode($0) }
    if passes.contains(.text) {
      try run(.text, &tallies) { try $0.run { _ = try encoders.embedding(of: tables[0]) } }
    }
    return (try encoders.embedding(of: tables[0]), try encoders.embedding(of: tables[1]))
  }

  private func measureUNet(
    _ passes: Set<EnginePass>,
    _ embeddings: (conditional: PromptEmbedding, unconditional: PromptEmbedding),
    _ tallies: inout [EnginePass: PassTally]
  ) throws {
    let subject = try UNetSubject(checkpoint, embeddings, size: size)
    if passes.contains(.unet) {
      try run(.unet, &tallies) { try $0.run { try subject.predict(batch: 1) } }
    }
    if passes.contains(.unetPair) {
      try run(.unetPair, &tallies) { try $0.run { try subject.predict(batch: 2) } }
    }
    if !passes.isDisjoint(with: [.lossForward, .lossBackward]) {
      var backward = PassTally()
      try run(.lossForward, &tallies) { forward in
        let probe = try forward.run { try subject.look() }
        _ = backward.run { probe.gradient() }
      }
      tallies[.lossBackward] = backward
    }
    if passes.contains(.step) {
      try run(.step, &tallies) { tally in
        var sequence = try subject.sequence()
        try tally.run { _ = try sequence.next() }
      }
    }
  }

  private func measureDecoder(_ tallies: inout [EnginePass: PassTally]) throws {
    let vae = try checkpoint.makeVAE()
    let latent = try checkpoint.randomLatent(size)
    try run(.decode, &tallies) { try $0.run { _ = try vae.decode(latent) } }
  }

  /// Repeats one pass, from memory as clean as at the start.
  private func run(
    _ pass: EnginePass, _ tallies: inout [EnginePass: PassTally],
    _ body: (inout PassTally) throws -> Void
  ) rethrows {
    ResidentMemory.trim()
    var tally = PassTally()
    for turn in 1...repeats {
      progress("\(pass.rawValue) \(turn) of \(repeats)")
      try body(&tally)
    }
    tallies[pass] = tally
  }
}

// MARK: - Pictures

extension EngineBenchmark {
  /// Makes a picture of `steps` steps by the whole pipeline.
  ///
  /// - Parameter steps: 2…50; where fewer than 50 are made, each kind of step counts for all of its
  ///   kind.
  /// - Throws: what loading the checkpoint and running it throws.
  package func makeImage(steps: Int) throws -> EngineImage {
    ResidentMemory.trim()
    let altered = (steps + 1) / 2
    var request = RunRequest(
      Self.prompt, seed: 0, method: AttendAndExcite(schedule: .benchmark(altered: altered)),
      subjects: Self.subjects.map(\.name))
    (request.steps, request.scheduler) = (steps, SchedulerKind.ddim.rawValue)
    request.size = size
    var (loading, once) = (PassTally(), PassTally())
    var halves = [PassTally(), PassTally()]
    progress("loading")
    let model = try loading.run { try StableDiffusion(checkpoint) }
    var sequence = try once.run { try model.sequence(request) }
    for step in 0..<sequence.count {
      progress("step \(step + 1) of \(steps)")
      _ = try halves[step < altered ? 0 : 1].run { try sequence.next() }
    }
    _ = try once.run { try model.pixels(sequence.latent) }
    let tallies = [loading, once] + halves
    let half = Double(Self.steps / 2)
    func total(_ once: Double, _ halves: [Double]) -> Double { once + half * halves.reduce(0, +) }
    let speed = EngineSpeed(
      seconds: total(once.samples.reduce(0, +), halves.map(\.samples.mean)),
      gigaflop: total(once.flop, halves.map { $0.flop / Double($0.samples.count) }) / 1e9,
      sgemm: halves.flatMap(\.sgemm).mean / 1e9)
    return EngineImage(
      basis: steps == Self.steps ? .measured : .scaled, stepsMade: steps, speed: speed,
      peakMemory: tallies.compactMap(\.peak).max())
  }

  /// The time of a picture from that of its passes; `nil` where one of them was not measured.
  package static func estimate(_ measurements: [EngineMeasurement]) -> EngineImage? {
    let half = Double(steps / 2)
    let counts: [(pass: EnginePass, count: Double)] = [
      (.text, 2), (.step, half), (.unetPair, half), (.decode, 1),
    ]
    let parts = counts.compactMap { part in
      measurements.first { $0.pass == part.pass }.map { (speed: $0.speed, count: part.count) }
    }
    guard parts.count == counts.count else { return nil }
    let seconds = parts.reduce(0) { $0 + $1.count * $1.speed.seconds }
    return EngineImage(
      basis: .estimated, stepsMade: 0,
      speed: EngineSpeed(
        seconds: seconds, gigaflop: parts.reduce(0) { $0 + $1.count * $1.speed.gigaflop },
        sgemm: parts.reduce(0) { $0 + $1.count * $1.speed.seconds * $1.speed.sgemm } / seconds),
      peakMemory: nil)
  }
}

extension GradientSchedule {
  /// The published schedule without its refinement, whose length depends on the picture.
  static func benchmark(altered: Int) -> Self { Self(maxIterations: altered, thresholds: [:]) }
}
