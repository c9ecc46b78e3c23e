internal import TensorEngine

/// Published aggregations, by name.
public enum NamedRecipe: String, Hashable, Sendable, CaseIterable {
  /// What the loss of Attend-and-Excite reads, averaged over the passes that served it.
  ///
  /// Heads and layers at one grid averaged, tokens renormalised by softmax(100 ·) without those that
  /// the run's loss leaves out, smoothed. The published kernel's exponent is d²/4σ² with σ = 0.5: a
  /// Gaussian of √½. Reference: Chefer et al., arXiv 2301.13826, section 4.
  case attendAndExcite = "attend-and-excite"
  /// What the notebook of Attend-and-Excite's repository draws: the last call alone, in which both
  /// halves of guidance are averaged, as the probabilities are.
  case notebook
  /// Prompt-to-prompt's `aggregate_attention`: the mean over steps, heads and layers of one grid.
  case promptToPrompt = "prompt-to-prompt"
  /// DAAM's sum over steps, heads and layers of the encoder and decoder, each map enlarged first.
  ///
  /// Reference: Tang et al., arXiv 2210.04885, equation 6.
  case daam

  /// The recipe with this name.
  public var recipe: Recipe {
    let text =
      switch self {
      case .attendAndExcite:
        "mean(head) mean(layer: loss-grid) softmax(token: 100 without unread) "
          + "smooth(pixel: 3 0.70710677) mean(step) conditional loss"
      case .notebook:
        "mean(head) mean(layer: loss-grid) mean(branch) last(step) conditional unconditional denoise"
      case .promptToPrompt: "mean(step) mean(head) mean(layer: loss-grid) conditional denoise"
      case .daam:
        "resize(pixel: bicubic largest) sum(step) sum(head) sum(layer: down*, up*) "
          + "conditional denoise"
      }
    do { return try Recipe(parsing: text) } catch { bug("\(error)") }
  }
}
