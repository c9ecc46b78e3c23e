public import AttentionTrace
public import TensorEngine

/// The denoising loop, a step at a time: the caller owns it, and may stop or pause anywhere.
///
/// Per iteration: the guide moves the latent, the UNet predicts noise for both branches, guidance
/// combines them, the scheduler takes the step.
///
/// - Reference: Ho & Salimans, Classifier-Free Diffusion Guidance, arXiv 2207.12598, equation 6;
///   the order of diffusers' `StableDiffusionPipeline`.
public struct DenoisingSequence {
  /// Told of every pass, when it is over.
  public typealias PassReport = (AttentionPass, PassMeasurement?) throws -> Void

  private let unet: UNet
  /// Of the prompt; a method may move it from step to step.
  private var conditional: PromptEmbedding
  private let unconditional: PromptEmbedding
  private let guidanceScale: Float
  private let guidanceRescale: Float
  private let guide: (any LatentGuide)?
  private let objective: (any AttentionObjective)?
  private let intervention: (any AttentionIntervention)?
  private let components: [NoiseComponent]?
  private let correction: NoiseCorrection?
  private let merging: TokenMerging?
  /// Of each of the merged pairs.
  private var phraseRuns: [PhraseRun]
  /// At most one; it is made a step ahead of this one.
  private var companion: [DenoisingSequence]
  private let allSites: [AttentionSite]
  /// The sites the objective reads, in its order.
  private let sites: [AttentionSite]
  /// Whether the loss is looked at where the guide does not act, too.
  private let measuresLosses: Bool
  /// What the objective remembers of the step before.
  private var memory: [String: Tensor] = [:]
  /// What the guide remembers of the steps before.
  private var guideMemory: [String: Tensor] = [:]
  private let observers: [any AttentionObserver]
  private let report: PassReport
  private var scheduler: any Scheduler
  private var noise: (any RandomSource)?
  /// The latent as it stands, `[1, 4, row, column]`.
  public private(set) var latent: Tensor
  /// The iteration that comes next.
  public private(set) var index = 0
  /// What this sequence made of ``passes`` itself.
  private var ownPasses = UNetPasses()

  /// Sets up a run.
  ///
  /// - Parameters:
  ///   - latent: the starting noise, before the scheduler scales it.
  ///   - noise: what the starting noise was drawn from, for a scheduler that draws more.
  ///   - embeddings: of the prompt and of the negative prompt.
  ///   - parts: what the method adds.
  ///   - measuresLosses: whether the loss is looked at where the guide does not act, too.
  package init(
    unet: UNet, scheduler: any Scheduler, latent: Tensor,
    noise: (any RandomSource)? = nil,
    embeddings: (conditional: PromptEmbedding, unconditional: PromptEmbedding),
    guidanceScale: Double,
    guidanceRescale: Double = 0, parts: MethodParts = MethodParts(), measuresLosses: Bool = false,
    observers: [any AttentionObserver] = [],
    report: @escaping PassReport = { _, _ in }
  ) throws {
    self.unet = unet
    self.scheduler = scheduler
    self.latent = latent.affine(scale: scheduler.initialNoiseScale)
    self.noise = noise
    conditional = embeddings.conditional
    unconditional = embeddings.unconditional
    self.guidanceScale = Float(guidanceScale)
    self.guidanceRescale = Float(guidanceRescale)
    guide = parts.guide
    objective = parts.measured
    let source = try parts.companion?.started()
    let interventions: [any AttentionIntervention] =
      [source?.intervention ?? parts.intervention, parts.ablation].compactMap(\.self)
    intervention =
      interventions.count > 1 ? InterventionSequence(interventions) : interventions.first
    components = parts.components
    correction = parts.correction
    merging = parts.merging
    let isGuided = guidanceScale > 1
    let isCode = parts.merging?.method.form == .code
    phraseRuns = (parts.merging?.pairs ?? []).map { [latent = self.latent] pair in
      PhraseRun(
        of: pair.phrase,
        against: PromptEmbedding(
          embeddings.unconditional.tokens, pooled: embeddings.unconditional.zeros.pooled),
        weight: isGuided ? Float(isCode ? -guidanceScale : guidanceScale) : nil,
        keepsScaled: isCode, from: latent, scheduler: scheduler)
    }
    companion = source.map { [$0.sequence] } ?? []
    self.measuresLosses = measuresLosses
    self.observers = observers
    self.report = report
    allSites = unet.sites(
      rows: latent.shape[2], columns: latent.shape[3], tokens: conditional.tokens.shape[1])
    sites = try self.objective?.sites(among: allSites) ?? []
  }

  /// How many iterations there are.
  public var count: Int { scheduler.timesteps.count }

  /// How often the UNet was run, for the run that is made in step too.
  public var passes: UNetPasses { ownPasses + (companion.first?.passes ?? UNetPasses()) }

  /// What the rest of the run depends on; a fresh sequence goes on from it by ``resume(from:)``.
  public var state: [String: Tensor] {
    let own = scheduler.state.merging([
      "latent": latent, "index": .scalar(Float(index)),
      "passes": Tensor([Float(ownPasses.forward), Float(ownPasses.backward)], shape: [2]),
    ]) { $1 }
    return own.merging(memory.prefixed(by: Self.memoryPrefix)) { $1 }
      .merging(guideMemory.prefixed(by: Self.guidePrefix)) { $1 }
      .merging(companion.first?.state.prefixed(by: Self.companionPrefix) ?? [:]) { $1 }
      .merging(mergingState.prefixed(by: Self.mergingPrefix)) { $1 }
  }

  /// The vectors of merged tokens as they stand, and the phrases' runs while they go on.
  private var mergingState: [String: Tensor] {
    guard let merging, index > 0 else { return [:] }
    var state = ["tokens": conditional.tokens]
    if merging.binds(at: index) {
      for (place, run) in phraseRuns.enumerated() {
        state.merge(run.state.prefixed(by: "\(place).")) { $1 }
      }
    }
    return state
  }

  private static let mergingPrefix = "merging."
  private static let memoryPrefix = "objective."
  private static let guidePrefix = "guide."
  private static let companionPrefix = "companion."

  /// Goes on from where a sequence of the same request had ``state``.
  /// - Throws: ``DiffusionError`` when the state is of no such sequence.
  public mutating func resume(from state: [String: Tensor]) throws {
    let index = state["index"].flatMap { $0.count == 1 ? Int(exactly: $0.item) : nil }
    guard let index, (0...count).contains(index), let latent = state["latent"],
      latent.shape == self.latent.shape, scheduler.accepts(state, latent: latent),
      let memory = memory(in: state, at: index), let guideMemory = guideMemory(in: state),
      let passes = Self.passes(in: state),
      resumeMerging(from: state.unprefixed(by: Self.mergingPrefix), at: index)
    else {
      throw DiffusionError.invalidRequest(
        what: "the state of a run to resume", got: state.keys.sorted().joined(separator: ", "),
        expected: "that of a run with \(count) iterations and latents of \(self.latent.shape)")
    }
    scheduler.state = state.filter { $0.key.hasPrefix("scheduler.") }
    (self.latent, self.index, self.memory, ownPasses) = (latent, index, memory, passes)
    self.guideMemory = guideMemory
    for place in companion.indices {
      try companion[place].resume(from: state.unprefixed(by: Self.companionPrefix))
    }
    for _ in 0..<scheduler.draws(before: index) { _ = drawNoise() }
  }

  /// Takes the vectors and the phrases' runs of a state at an iteration; `false` if they are of none such.
  private mutating func resumeMerging(from state: [String: Tensor], at index: Int) -> Bool {
    guard let merging, index > 0 else { return state.isEmpty }
    guard let tokens = state["tokens"], tokens.shape == conditional.tokens.shape, tokens.isFinite
    else { return false }
    conditional = PromptEmbedding(tokens, pooled: conditional.pooled)
    return !merging.binds(at: index)
      || phraseRuns.indices.allSatisfy {
        phraseRuns[$0].resume(from: state.unprefixed(by: "\($0)."))
      }
  }

  /// What the objective remembers by a state at an iteration; `nil` if that is of none such.
  private func memory(in state: [String: Tensor], at index: Int) -> [String: Tensor]? {
    let memory = state.unprefixed(by: Self.memoryPrefix)
    let expected = index == 0 ? [:] : objective?.memoryShapes ?? [:]
    return memory.mapValues(\.shape) == expected && memory.values.allSatisfy(\.isFinite)
      ? memory : nil
  }

  /// What the guide remembers by a state; `nil` if that is not of its names and shapes.
  private func guideMemory(in state: [String: Tensor]) -> [String: Tensor]? {
    let memory = state.unprefixed(by: Self.guidePrefix)
    let shapes = guide?.memoryShapes ?? [:]
    return memory.allSatisfy { shapes[$0.key] == $0.value.shape && $0.value.isFinite }
      ? memory : nil
  }

  /// The passes by a state; `nil` if it does not say.
  private static func passes(in state: [String: Tensor]) -> UNetPasses? {
    guard let counts = state["passes"]?.values.compactMap({ Int(exactly: $0) }), counts.count == 2
    else { return nil }
    return UNetPasses(forward: counts[0], backward: counts[1])
  }

  /// Takes the next step; `nil` after the last.
  /// - Throws: ``DiffusionError/notFinite(layer:step:phase:)``, and what the report throws.
  public mutating func next() throws -> DenoisingStep? {
    guard index < count else { return nil }
    let step = index
    let timestep = scheduler.timesteps[step]
    var tries = 0
    for place in companion.indices { _ = try companion[place].next() }
    let found = latent
    let gradients = GradientCount()
    func look(_ latent: Tensor, _ phase: Phase, _ attempt: Int) throws -> LossProbe {
      tries = max(tries, attempt)
      ownPasses.forward += 1
      return try self.look(
        latent,
        AttentionPass(
          step: step, timestep: timestep, phase: phase, attempt: attempt,
          branches: [.conditional]),
        counting: gradients)
    }
    if let guide, guide.acts(at: step) {
      var remembered = guideMemory
      latent = try guide.guide(latent, step: step, of: count, memory: &remembered, look: look)
      guideMemory = remembered
    } else if guide != nil, measuresLosses {
      _ = try look(latent, .loss, 0)
    }
    let corrected = try correction.map { correction in
      try look(latent, .loss, 0).gradient().affine(
        scale: correction.factor(signal: level(1, 0, step), noise: level(0, 1, step)))
    }
    let fresh = scheduler.drawsNoise(at: step) ? drawNoise() : nil
    let scaled = scheduler.scaledInput(latent, at: step)
    var input = scaled
    var displacement = guide.map { _ in LatentDisplacement(from: found, to: latent) }
    if let merging {
      (input, tries) = try merged(
        merging, scaled, at: step, timestep, noise: fresh, counting: gradients)
      displacement = LatentDisplacement(from: scaled, to: input)
    }
    ownPasses.backward += gradients.count
    var (prediction, measurement) = try predict(step, timestep, input, displacement)
    if let corrected { prediction = prediction + corrected }
    ownPasses.forward += predictions
    let predicted = scheduler.clean(prediction, at: step, latent)
    latent = scheduler.step(prediction, at: step, latent, noise: fresh)
    index += 1
    return DenoisingStep(
      index: step, count: count, measurement: measurement, refinementTries: tries, latent: latent,
      predicted: predicted)
  }

  /// What the latent of an iteration has of a picture of one number and noise of another.
  private func level(_ picture: Float, _ noise: Float, _ step: Int) -> Float {
    scheduler.noised(.scalar(picture), .scalar(noise), at: step).item
  }

  private mutating func drawNoise() -> Tensor {
    guard let drawn = noise?.normal(shape: latent.shape) else {
      bug("a scheduler that draws noise, and no source of it")
    }
    return drawn
  }

  /// Whether the unconditional prediction is made too.
  private var isGuided: Bool { guidanceScale > 1 || components != nil }

  /// How many predictions the noise of a step is made of.
  private var predictions: Int {
    (isGuided ? 2 : 1) + (components?.count { $0.embedding != nil } ?? 0)
  }

  /// The guided noise, and what the objective says of the conditional branch.
  private mutating func predict(
    _ step: Int, _ timestep: Double, _ input: Tensor, _ displacement: LatentDisplacement?
  ) throws -> (noise: Tensor, measurement: PassMeasurement?) {
    let guided = isGuided
    let pass = AttentionPass(
      step: step, timestep: timestep, phase: .denoise,
      branches: guided ? [.unconditional, .conditional] : [.conditional])
    let tap = AttentionTap(
      pass: pass, observers: observers, intervention: intervention, sites: sites.map(\.path),
      keepsScores: objective?.readsScores ?? false)
    let output = try unet(
      guided ? .concatenated([input, input], axis: 0) : input, timestep: timestep,
      text: guided ? .stacked([unconditional, conditional]) : conditional,
      tap: tap)
    let last = pass.branches.count - 1
    var measurement: PassMeasurement?
    if let objective {
      let maps = tap.maps(of: sites, branch: last, memory: memory)
      let value = objective.evaluate(maps)
      measurement = PassMeasurement(
        loss: value.loss.item, scores: value.scores, displacement: displacement,
        latentMagnitude: latent.values.reduce(0) { max($0, abs($1)) } / scheduler.initialNoiseScale)
      memory = objective.remembered(of: maps)
    }
    try report(pass, measurement)
    guard guided else { return (output, measurement) }
    let own = output.sliced(axis: 0, 1..<2)
    let noise = try combined(output.sliced(axis: 0, 0..<1), own, pass, input)
    return (rescaled(noise, like: own), measurement)
  }

  /// `ε_∅ + Σ w_i (ε_i − ε_∅)`: of the prompt alone, or of the components instead.
  ///
  /// - Reference: Liu et al., Compositional Visual Generation with Composable Diffusion Models,
  ///   ECCV 2022, equation 11.
  private func combined(
    _ plain: Tensor, _ own: Tensor, _ pass: AttentionPass, _ input: Tensor
  ) throws -> Tensor {
    let components = components ?? [NoiseComponent(embedding: nil, weight: guidanceScale)]
    return try components.reduce(plain) { sum, component in
      let prediction = try component.embedding.map { embedding in
        try unet(
          input, timestep: pass.timestep, text: embedding,
          tap: AttentionTap(
            pass: AttentionPass(
              step: pass.step, timestep: pass.timestep, phase: pass.phase,
              branches: [.conditional])))
      }
      return .combination(
        1, sum, component.weight, .combination(1, prediction ?? own, -1, plain))
    }
  }

  /// A guided prediction with its deviation drawn to that of the prompt's own.
  ///
  /// - Reference: Lin et al., Common Diffusion Noise Schedules and Sample Steps are Flawed, WACV 2024,
  ///   section 3.4; diffusers `pipeline_stable_diffusion.py`, `rescale_noise_cfg`.
  private func rescaled(_ guided: Tensor, like own: Tensor) -> Tensor {
    guard guidanceRescale > 0 else { return guided }
    let ratio = own.deviation / guided.deviation
    return guided.detached.affine(scale: Float(1 + Double(guidanceRescale) * (ratio - 1)))
  }

  /// ToMe's part of a step.
  ///
  /// - Parameter scaled: the UNet's input as the latent gives it.
  /// - Returns: the input at which the noise is predicted, and how many updates led to it.
  private mutating func merged(
    _ merging: TokenMerging, _ scaled: Tensor, at step: Int, _ timestep: Double, noise: Tensor?,
    counting gradients: GradientCount
  ) throws -> (input: Tensor, tries: Int) {
    func pass(_ attempt: Int) -> AttentionPass {
      AttentionPass(
        step: step, timestep: timestep, phase: attempt > 1 ? .refinement : .loss,
        attempt: attempt > 1 ? attempt : 0, branches: [.conditional])
    }
    var tokens = merging.substituted(conditional.tokens, at: step)
    if merging.binds(at: step) {
      let (tap, unet) = (AttentionTap(pass: pass(0)), self.unet)
      for (place, pair) in merging.pairs.enumerated() {
        let (input, target) = try phraseRuns[place].next(at: step, noise: noise) {
          try unet($0, timestep: timestep, text: $1, tap: tap)
        }
        tokens = try merging.bound(tokens, pair, to: target, counting: gradients) {
          try unet(
            input, timestep: timestep, text: PromptEmbedding($0, pooled: pair.phrase.pooled),
            tap: tap)
        }
        ownPasses.forward += phraseRuns[place].predictions + merging.method.tokenUpdates
      }
    }
    conditional = PromptEmbedding(tokens, pooled: conditional.pooled)
    var (input, tries) = (scaled, 0)
    let rate = merging.rate(at: step, of: count)
    let most = merging.method.looks(at: step).count
    while tries < most {
      tries += 1
      let probe = try look(at: input, pass(tries), counting: gradients)
      let gradient = probe.gradient()
      input = .combination(
        1, input, -0.5 * rate, gradient.sliced(axis: 0, 0..<input.count).reshaped(input.shape))
      tokens = .combination(
        1, conditional.tokens, -rate,
        gradient.sliced(axis: 0, input.count..<gradient.count).reshaped(tokens.shape))
      conditional = PromptEmbedding(tokens, pooled: conditional.pooled)
      if probe.value.loss.item < merging.target(at: step) { break }
    }
    return (input, tries)
  }

  /// Looks at a latent; see ``look(at:_:counting:reading:)``.
  private mutating func look(
    _ latent: Tensor, _ pass: AttentionPass, counting gradients: GradientCount
  ) throws -> LossProbe {
    let (scheduler, isScaled, text) = (self.scheduler, guide?.lossInput != .unscaled, conditional)
    return try look(at: latent, pass, counting: gradients) {
      (isScaled ? scheduler.scaledInput($0, at: pass.step) : $0, text)
    }
  }

  /// Looks at an input of the UNet and the prompt's vectors together: the gradient is of both, one after the other,
  /// `[number]`.
  private mutating func look(
    at input: Tensor, _ pass: AttentionPass, counting gradients: GradientCount
  ) throws -> LossProbe {
    let (count, shape, text) = (input.count, input.shape, conditional)
    return try look(
      at: .concatenated([input.flattened, text.tokens.flattened], axis: 0), pass,
      counting: gradients
    ) { both in
      (
        both.sliced(axis: 0, 0..<count).reshaped(shape),
        PromptEmbedding(
          both.sliced(axis: 0, count..<both.count).reshaped(text.tokens.shape),
          pooled: text.pooled)
      )
    }
  }

  /// Runs the UNet as far as the objective reads, on a tape.
  ///
  /// - Parameters:
  ///   - variable: what the gradient is of.
  ///   - reading: the input and the text that the UNet takes, by the variable.
  private mutating func look(
    at variable: Tensor, _ pass: AttentionPass, counting gradients: GradientCount,
    reading: (Tensor) -> (input: Tensor, text: PromptEmbedding)
  ) throws -> LossProbe {
    guard let objective else { bug("a guide without objective") }
    let tap = AttentionTap(
      pass: pass, observers: observers, intervention: intervention, sites: sites.map(\.path),
      keepsScores: objective.readsScores, endsEarly: !isWatchedToTheEnd(pass))
    let probe = try LossProbe(
      of: objective, at: variable, unet: unet, timestep: pass.timestep, tap: tap, sites: sites,
      memory: memory, counting: gradients, reading: reading)
    // A look that is only measured must leave the picture as it is.
    if objective.remembersLooks, guide?.acts(at: pass.step) ?? false {
      memory = objective.remembered(of: tap.maps(of: sites, branch: 0, memory: memory).detached)
    }
    try report(pass, probe.measurement)
    return probe
  }

  /// Whether an observer wants a site that comes after the last one the objective reads.
  private func isWatchedToTheEnd(_ pass: AttentionPass) -> Bool {
    let later = allSites.reversed().prefix { !sites.contains($0) }
    return later.contains { site in
      observers.contains { observer in
        AttentionPoint.allCases.contains { observer.wants(site, $0, in: pass) }
      }
    }
  }
}

extension Tensor {
  /// The standard deviation of the numbers, by one less than their count.
  fileprivate var deviation: Double {
    let numbers = values.map(Double.init)
    let mean = numbers.reduce(0, +) / Double(count)
    return (numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)).squareRoot()
  }
}

extension LatentDisplacement {
  fileprivate init(from found: Tensor, to moved: Tensor) {
    let (found, moved) = (found.values, moved.values)
    let squares = zip(found, moved).reduce(into: (moved: 0.0, found: 0.0)) { sums, pair in
      let difference = Double(pair.1) - Double(pair.0)
      sums.moved += difference * difference
      sums.found += Double(pair.0) * Double(pair.0)
    }
    self.init(
      norm: Float(squares.moved.squareRoot()), latentNorm: Float(squares.found.squareRoot()))
  }
}

extension Dictionary where Key == String {
  /// The same values under names with something before them.
  func prefixed(by prefix: String) -> Self {
    Self(uniqueKeysWithValues: map { (prefix + $0.key, $0.value) })
  }

  /// The values whose names begin so, under the rest of their names.
  func unprefixed(by prefix: String) -> Self {
    Self(
      uniqueKeysWithValues: filter { $0.key.hasPrefix(prefix) }
        .map { (String($0.key.dropFirst(prefix.count)), $0.value) })
  }
}
