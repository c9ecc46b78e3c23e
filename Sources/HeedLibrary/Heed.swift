// One import brings the whole library: text, model, recording, analysis, runs and figures.
@_exported public import AttentionAnalysis
@_exported public import AttentionExport
@_exported public import AttentionTrace
@_exported public import Diffusion
@_exported public import Drawing
@_exported public import Evaluation
@_exported public import Figures
@_exported public import Pictures
@_exported public import PromptText
@_exported public import TensorEngine
