public import AttentionTrace
public import PromptText
public import TensorEngine

/// The run that a method is asked to take part in.
public struct MethodContext {
  /// What was asked for.
  public let request: GenerationRequest
  /// The prompt as its tokens.
  public let prompt: TokenTable
  /// Every attention at the run's size, in the order in which a pass reaches them.
  public let sites: [AttentionSite]
  /// The grid whose attention is measured.
  public let grid: Grid
  /// Tokens `1..<lastToken` share the renormalisation; see ``Excitation``.
  public let lastToken: Int
  /// Iterations that the run makes.
  public let iterations: Int
  /// What is measured of the subjects; `nil` without subjects.
  public let excitation: Excitation?
  let model: StableDiffusion

  /// Another text as its tokens.
  public func tokens(_ text: String) -> TokenTable { model.tokenizer.encode(text) }

  /// The embedding of a text, `[1, token, width]`.
  /// - Throws: ``DiffusionError/notFinite(layer:step:phase:)``.
  public func embedding(_ text: String) throws -> Tensor { try model.embedding(text) }
}

extension MethodContext {
  /// The deviation of the latent in the first iteration.
  var initialNoiseScale: Float {
    get throws { try model.scheduler(request).initialNoiseScale }
  }

  /// The noise that the run's seed gives after all that the run itself draws, by the draw from 1 on.
  package func freshNoise() throws -> @Sendable (Int) throws -> Tensor {
    let drawn = try model.scheduler(request).drawsNoise ? iterations : 0
    let latent = try model.latentGrid(request)
    let shape = [1, model.checkpoint.unetConfiguration.channels, latent.rows, latent.columns]
    return { [request] draw in
      var source = try request.randomSource()
      for _ in 0..<drawn + draw { _ = source.normal(shape: shape) }
      return source.normal(shape: shape)
    }
  }
}

extension StableDiffusion {
  /// The run of a request as its method sees it.
  /// - Throws: ``DiffusionError`` when the request cannot be run.
  package func context(_ request: GenerationRequest) throws -> MethodContext {
    let prompt = tokenizer.encode(request.prompt)
    return MethodContext(
      request: request, prompt: prompt, sites: try sites(request), grid: try grid(request),
      lastToken: lastToken(request, prompt), iterations: try timesteps(request).count,
      excitation: try objective(request), model: self)
  }

  /// Where a request's renormalisation ends.
  func lastToken(_ request: GenerationRequest, _ prompt: TokenTable) -> Int {
    stopsAtEnd(request) ? prompt.end : tokenizer.window - 1
  }

  /// What the request's method adds to its run.
  /// - Throws: ``DiffusionError`` or ``TextError`` when the request cannot be run.
  public func parts(_ request: GenerationRequest) throws -> MethodParts {
    let context = try context(request)
    if request.method.base.needsSubjects, request.subjects.isEmpty {
      throw DiffusionError.invalidRequest(
        what: "the list of subjects", got: "empty",
        expected: "at least one for \(request.method.name)")
    }
    var parts = try request.method.base.parts(for: context)
    parts.objective = parts.guide?.objective ?? parts.objective ?? context.excitation
    return parts
  }
}
