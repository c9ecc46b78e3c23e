public import AttentionTrace

/// A change of the attention of the prompt's branch while a picture is made.
///
/// For each site and pass the model first *asks*, then, if the answer was yes, hands over the
/// layer's attention to be changed. Where nobody acts, nothing is computed that was not computed
/// without interventions, and no bit differs. Recorders and objectives see the probabilities that
/// the picture is made with, which are those after the change; scores and queries are the layer's
/// own. The unconditional branch is never changed.
public protocol AttentionIntervention: Sendable {
  /// Whether the attention of `site` is changed in this pass.
  ///
  /// The answer for the same site and pass stays the same.
  func acts(at site: AttentionSite, in pass: AttentionPass) -> Bool

  /// Changes the attention of one layer, on the tape where there is one.
  /// - Throws: what ends the run.
  func change(_ attention: inout LayerAttention) throws
}
