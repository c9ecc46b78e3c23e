import AttentionTrace
import Diffusion
import PromptText
import TensorEngine
import Testing

/// Attend-and-Excite as it was published, with every pass that changes no result.
private struct LiteralAttendAndExcite {
  let unet: UNet
  let conditional: PromptEmbedding
  let unconditional: PromptEmbedding
  let objective: AttendAndExcite.Loss
  let settings: GradientSchedule
  let sites: [AttentionSite]
  private(set) var losses: [Float] = []
  private(set) var passes = 0

  init(
    _ model: LoadedCheckpoint, prompt: String, objective: AttendAndExcite.Loss,
    settings: GradientSchedule
  ) throws {
    unet = model.unet
    conditional = try model.embedding(prompt)
    unconditional = try model.embedding("")
    self.objective = objective
    self.settings = settings
    sites = try objective.sites(among: unet.sites(rows: 16, columns: 16, tokens: 77))
  }

  /// A whole pass with everything on the tape.
  private mutating func pass(_ latent: Tensor, _ time: Double) throws -> LossProbe {
    let probe = try LossProbe(at: latent) { variable in
      let tap = AttentionTap(
        pass: AttentionPass(step: 0, timestep: time, phase: .loss, branches: [.conditional]),
        sites: sites.map(\.path))
      _ = try unet(variable, timestep: time, text: conditional, tap: tap)
      return objective.evaluate(
        PassMaps(sites: sites, probabilities: sites.compactMap { tap.maps[$0.path] }))
    }
    losses.append(probe.measurement.loss)
    passes += 1
    return probe
  }

  private mutating func noise(_ latent: Tensor, _ time: Double, _ context: PromptEmbedding) throws
    -> Tensor
  {
    let branches = [Branch](repeating: .conditional, count: latent.shape[0])
    passes += 1
    return try unet(
      latent, timestep: time, text: context,
      tap: AttentionTap(
        pass: AttentionPass(step: 0, timestep: time, phase: .denoise, branches: branches)))
  }

  mutating func run(_ start: Tensor, _ scheduler: any Scheduler) throws -> Tensor {
    var scheduler = scheduler
    var latent = start
    let times = scheduler.timesteps
    for (i, time) in times.enumerated() {
      let share = Double(i) / Double(times.count - 1)
      let alpha = Float(20 * (1 - 0.5 * share).squareRoot())
      var probe = try pass(latent, time)
      if let threshold = settings.thresholds[i],
        probe.measurement.loss > Float(1 - threshold)
      {
        var iteration = 0
        while probe.measurement.loss > Float(max(0, 1 - threshold)) {
          iteration += 1
          probe = try pass(latent, time)
          if probe.measurement.loss != 0 {
            latent = latent + probe.gradient().affine(scale: -alpha)
          }
          _ = try noise(latent, time, unconditional)
          _ = try noise(latent, time, conditional)
          if iteration >= settings.maxRefinementSteps { break }
        }
        probe = try pass(latent, time)
      }
      if i < settings.maxIterations, probe.measurement.loss != 0 {
        latent = latent + probe.gradient().affine(scale: -alpha)
      }
      let both = try noise(
        .concatenated([latent, latent], axis: 0), time,
        .stacked([unconditional, conditional]))
      let (plain, guided) = (both.sliced(axis: 0, 0..<1), both.sliced(axis: 0, 1..<2))
      let epsilon = plain + (guided + plain.affine(scale: -1)).affine(scale: 7.5)
      latent = scheduler.step(epsilon, at: i, latent)
    }
    return latent
  }
}

@Suite("Attend-and-Excite")
struct AttendAndExciteTests {
  static let prompt = "a mouse and a red car"

  static func excitation(
    end: Int, grid: Grid = Grid(rows: 8, columns: 8)
  ) -> AttendAndExcite.Loss {
    AttendAndExcite.Loss(
      subjects: [Subject(name: "mouse", tokens: [2]), Subject(name: "car", tokens: [6])],
      grid: grid, pieces: .standard, lastToken: end, sigma: 0.5,
      kernelSize: 3)
  }

  static func settings(_ thresholds: [Int: Double], tries: Int = 4) -> GradientSchedule {
    var settings = GradientSchedule()
    settings.maxIterations = 4
    settings.thresholds = thresholds
    settings.maxRefinementSteps = tries
    return settings
  }

  @Test(
    "What is left out changes no bit of the result",
    arguments: ["tiny-sd1", "tiny-sd2"], [[:], [0: 0.05, 2: 0.9], [0: 0.3, 5: 0.9]])
  func literal(name: String, thresholds: [Int: Double]) throws {
    let model = try LoadedCheckpoint(name)
    let objective = Self.excitation(end: name == "tiny-sd1" ? 76 : 7)
    let settings = Self.settings(thresholds)
    let noise = model.noise(3)
    var literal = try LiteralAttendAndExcite(
      model, prompt: Self.prompt, objective: objective, settings: settings)
    let expected = try literal.run(noise, model.scheduler(steps: 6))
    var losses: [Float] = []
    var passes = 0
    var sequence = try DenoisingSequence(
      unet: model.unet, scheduler: model.scheduler(steps: 6), latent: noise,
      embeddings: (literal.conditional, literal.unconditional), guidanceScale: 7.5,
      parts: MethodParts(guide: GradientDescent(objective, settings)),
      report: { pass, measurement in
        passes += 1
        if pass.phase != .denoise, let measurement { losses.append(measurement.loss) }
      })
    while try sequence.next() != nil {}
    #expect(sequence.latent.values == expected.values)
    #expect(passes < literal.passes)
    #expect(losses.allSatisfy(literal.losses.contains))
  }

  @Test("The step size falls as the root of a line from 20² to 20²/2")
  func stepSizes() {
    let guide = GradientSchedule()
    for (step, count, expected) in [
      (0, 51, 20), (10, 51, 18.97367), (20, 51, 17.88854), (24, 51, 17.43560), (50, 51, 14.14214),
      (0, 50, 20), (10, 50, 18.95214), (20, 50, 17.84285), (24, 50, 17.37932), (49, 50, 14.14214),
      (0, 1, 20),
    ] as [(Int, Int, Float)] {
      #expect(abs(guide.stepSize(step, of: count) - expected) < 1e-5)
    }
    var settings = GradientSchedule()
    settings.scaleFactor = 10
    settings.scaleRange = [4, 1]
    let other = settings
    #expect(
      [0, 1, 2, 3].map { other.stepSize($0, of: 4) }
        == [20, 300.0.squareRoot(), 200.0.squareRoot(), 10].map(Float.init))
  }

  /// A look whose losses are given one by one, and whose gradient is 1 everywhere.
  private final class Script {
    var losses: [Float]
    var looks: [String] = []
    init(_ losses: [Float]) { self.losses = losses }

    func look(_ latent: Tensor, _ phase: Phase, _ attempt: Int) -> LossProbe {
      looks.append("\(phase) \(attempt)")
      let loss = losses.isEmpty ? .nan : losses.removeFirst()
      return LossProbe(at: latent) { variable in
        ObjectiveValue(
          loss: variable.sum.affine(scale: 1, offset: loss - variable.sum.item), scores: [1 - loss])
      }
    }
  }

  struct Plan: Sendable, CustomTestStringConvertible {
    let name: String
    var step = 0
    let losses: [Float]
    let looks: [String]
    let updates: Float
    var testDescription: String { name }
  }

  /// At thresholds 0: 0.25 and 6: 0.25, four altered steps, at most four tries.
  static let plans = [
    Plan(
      name: "a loss at the target is not refined", losses: [0.75], looks: ["loss 0"], updates: 1),
    Plan(name: "no threshold, no refinement", step: 1, losses: [1], looks: ["loss 0"], updates: 1),
    Plan(
      name: "one more update lands after the target is met", losses: [0.8, 0.7, 0.6],
      looks: ["loss 0", "refinement 2", "loss 2"], updates: 3),
    Plan(
      name: "tries end at their most", losses: [0.8, 0.8, 0.8, 0.8, 0.8],
      looks: ["loss 0", "refinement 2", "refinement 3", "refinement 4", "loss 4"], updates: 5),
    Plan(
      name: "after the altered steps there is refinement without the update that follows", step: 6,
      losses: [0.8, 0.7, 0.6], looks: ["loss 0", "refinement 2", "loss 2"], updates: 2),
    Plan(name: "a loss of exactly 0 leaves the latent", losses: [0], looks: ["loss 0"], updates: 0),
    Plan(
      name: "a loss of 0 in refinement leaves the latent, twice", losses: [0.8, 0, 0],
      looks: ["loss 0", "refinement 2", "loss 2"], updates: 1),
  ]

  @Test("Refinement tests the loss before the update it has just made", arguments: plans)
  func refinement(_ plan: Plan) throws {
    var settings = Self.settings([0: 0.25, 6: 0.25])
    settings.scaleRange = [1, 1]
    settings.scaleFactor = 0.5
    let guide = GradientDescent(Self.excitation(end: 76), settings)
    let script = Script(plan.losses)
    let latent = Tensor.full(1, shape: [1, 4, 2, 2])
    var memory: [String: Tensor] = [:]
    let moved = try guide.guide(
      latent, step: plan.step, of: 10, memory: &memory, look: script.look)
    #expect(script.looks == plan.looks)
    #expect(moved.values == [Float](repeating: 1 - 0.5 * plan.updates, count: 16))
  }

  @Test("Without tries there is no refinement, and no look more")
  func noTries() throws {
    let guide = GradientDescent(Self.excitation(end: 76), Self.settings([0: 0.9], tries: 0))
    let script = Script([0.9])
    var memory: [String: Tensor] = [:]
    _ = try guide.guide(
      .full(1, shape: [1, 4, 2, 2]), step: 0, of: 10, memory: &memory, look: script.look)
    #expect(script.looks == ["loss 0"])
  }

  @Test("It looks while it alters, and at thresholds")
  func acts() {
    let settings = Self.settings([6: 0.5])
    let guide = GradientDescent(Self.excitation(end: 76), settings)
    #expect((0..<8).filter(guide.acts) == [0, 1, 2, 3, 6])
  }

  @Test("Looking at the loss in every iteration changes no bit of the result")
  func looksAlways() throws {
    let model = try LoadedCheckpoint("tiny-sd2")
    var latents: [[Float]] = []
    for looks in [false, true] {
      let settings = Self.settings([0: 0.3])
      var sequence = try DenoisingSequence(
        unet: model.unet, scheduler: model.scheduler(steps: 6), latent: model.noise(8),
        embeddings: (model.embedding(Self.prompt), model.embedding("")), guidanceScale: 7.5,
        parts: MethodParts(guide: GradientDescent(Self.excitation(end: 7), settings)),
        measuresLosses: looks)
      while try sequence.next() != nil {}
      latents.append(sequence.latent.values)
    }
    #expect(latents[0] == latents[1])
  }

  @Test("A run without guidance has one branch, and Attend-and-Excite works in it")
  func withoutGuidance() throws {
    let model = try LoadedCheckpoint("tiny-sd1")
    var branches: Set<[Branch]> = []
    var sequence = try DenoisingSequence(
      unet: model.unet, scheduler: model.scheduler(steps: 3), latent: model.noise(8),
      embeddings: (model.embedding(Self.prompt), model.embedding("")), guidanceScale: 1,
      parts: MethodParts(guide: GradientDescent(Self.excitation(end: 76), Self.settings([:]))),
      report: { pass, _ in branches.insert(pass.branches) })
    var measured = 0
    while let step = try sequence.next() { measured += step.measurement == nil ? 0 : 1 }
    #expect(branches == [[.conditional]])
    #expect(measured == sequence.count && sequence.latent.isFinite)
  }

  @Test(
    "A run that is resumed from its state ends in the same bits", arguments: SchedulerKind.allCases)
  func resume(_ kind: SchedulerKind) throws {
    let model = try LoadedCheckpoint("tiny-sd1")
    func sequence() throws -> DenoisingSequence {
      try DenoisingSequence(
        unet: model.unet, scheduler: model.scheduler(kind, steps: 6), latent: model.noise(4),
        noise: TorchRandomSource(seed: 4),
        embeddings: (model.embedding(Self.prompt), model.embedding("")), guidanceScale: 7.5,
        parts: MethodParts(
          guide: GradientDescent(Self.excitation(end: 76), Self.settings([2: 0.9], tries: 2))))
    }
    var whole = try sequence()
    var states = [whole.state]
    while try whole.next() != nil { states.append(whole.state) }
    for (index, state) in states.enumerated() {
      var rest = try sequence()
      try rest.resume(from: state)
      #expect(rest.index == index)
      while try rest.next() != nil {}
      #expect(rest.latent.values == whole.latent.values, "from step \(index)")
    }
  }

  @Test("A state that is none of this run is refused")
  func foreignState() throws {
    let model = try LoadedCheckpoint("tiny-sd1")
    var sequence = try DenoisingSequence(
      unet: model.unet, scheduler: model.scheduler(steps: 3), latent: model.noise(4),
      embeddings: (model.embedding(""), model.embedding("")), guidanceScale: 7.5)
    _ = try sequence.next()
    let good = sequence.state
    for (name, value) in [
      ("index", .scalar(.nan)), ("index", .scalar(-1)), ("index", .scalar(99)),
      ("index", .scalar(0.5)), ("index", .full(1, shape: [2])), ("index", nil), ("latent", nil),
      ("latent", .full(0, shape: [1, 4, 2, 2])), ("scheduler.counter", .scalar(.infinity)),
      ("scheduler.counter", .full(1, shape: [0])),
      ("scheduler.history.0", .full(0, shape: [1, 4, 2, 2])),
    ] as [(String, Tensor?)] {
      var state = good
      state[name] = value
      #expect(throws: DiffusionError.self, "\(name)") { try sequence.resume(from: state) }
    }
    #expect(throws: Never.self) { try sequence.resume(from: good) }
  }
}
