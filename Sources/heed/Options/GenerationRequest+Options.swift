import AttentionTrace
import Diffusion
import PromptText

extension GenerationRequest {
  /// One request for each seed and method, seeds first, all else as the options say.
  static func all(
    _ prompt: String, seeds: [UInt64], methods: [Method], subjects: [Subject],
    sampling: SamplingOptions, excitation: ExcitationOptions
  ) throws -> [GenerationRequest] {
    try seeds.flatMap { seed in
      try methods.map { method in
        var request = GenerationRequest(
          prompt: prompt, seed: seed, method: method, subjects: subjects)
        try sampling.apply(to: &request)
        try excitation.subject.apply(to: &request)
        return request
      }
    }
  }
}
