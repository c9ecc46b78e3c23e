/// Where a figure is printed, with the widths and the height that fit its pages.
///
/// Lengths in PostScript points of 1/72 inch, from the venues' own style files: at 100 % a figure's type
/// stays the size it was set in. Sources: cvpr-org/author-kit cvpr.sty, borisveytsman/acmart
/// acmart.dtx, pnkraemer/tueplots figsizes.py, IEEEtran.cls 1.8b, elsarticle.cls 3.3, revtex4-2.cls,
/// article.cls; heights as `\\textheight` was printed by a document of the class.
public enum Venue: String, Hashable, Sendable, CaseIterable {
  /// NeurIPS and ICLR: one column.
  case neurips
  /// ICML.
  case icml
  /// CVPR and ICCV.
  case cvpr
  /// ACM Transactions on Graphics, SIGGRAPH's journal track.
  case siggraph
  /// ACM proceedings, `sigconf`.
  case acm
  /// ECCV: one column.
  case eccv
  /// AAAI.
  case aaai
  /// IEEE conferences and journals, `IEEEtran`.
  case ieee
  /// Elsevier's two-column journals, `elsarticle` with `5p`.
  case elsevier
  /// The American Physical Society's journals, `revtex4-2` in two columns.
  case revtex
  /// LaTeX's own `article` at 10 points: one column.
  case article

  /// Points of PostScript in a point of TeX, of which 72.27 are an inch.
  static let texPoint = 72 / 72.27

  /// What is kept free below a figure for its caption: an inch.
  ///
  /// LaTeX sets 10 points above a caption, whose lines are 9 to 12 points apart: there is room for five
  /// lines of the widest pitch. Captions that ``TeXBackend`` writes do not repeat what the figure prints and
  /// are shorter.
  static let captionAllowance = 72.0

  /// The smallest type of a figure: what the venue's style sets small type in, or its rule for figures.
  ///
  /// AAAI requires labels of 9 points, and IEEE about 9; SIGGRAPH and ACM set text in 9 points and figures
  /// in at most 8; Elsevier requires 7, and the APS capitals of 2 mm, which are those of 8 points.
  public var typeSize: Double {
    switch self {
    case .icml: 6
    case .neurips, .cvpr, .siggraph, .acm, .eccv, .elsevier, .article: 7
    case .revtex: 8
    case .aaai, .ieee: 9
    }
  }

  /// The typeface that matches the venue's own: Times, except for ACM, which sets captions in a sans serif.
  public var typeface: Typeface {
    switch self {
    case .neurips, .icml, .cvpr, .eccv, .aaai, .ieee, .elsevier, .revtex, .article: .serif
    case .siggraph, .acm: .sans
    }
  }

  /// The width of a column.
  public var column: Double {
    switch self {
    case .neurips: 396
    case .icml: 234
    case .cvpr: 236.25
    case .siggraph: 242.24
    case .acm: 240.25
    case .eccv: 345.6
    case .aaai: 237.6
    case .ieee, .elsevier: 252 * Self.texPoint
    case .revtex: 246 * Self.texPoint
    case .article: full
    }
  }

  /// The width of all columns with the gap between them.
  public var full: Double {
    switch self {
    case .neurips: 396
    case .icml: 486
    case .cvpr: 495
    case .siggraph: 508.39
    case .acm: 504.4
    case .eccv: 345.6
    case .aaai: 502.2
    case .ieee: 516 * Self.texPoint
    case .elsevier: 522 * Self.texPoint
    case .revtex: 510 * Self.texPoint
    case .article: 345 * Self.texPoint
    }
  }

  /// The height of the text on a page; of a style that has several, the smallest.
  public var textHeight: Double {
    let texPoints =
      switch self {
      case .neurips, .icml, .aaai: 650.43
      case .cvpr: 641.4
      case .siggraph: 615.0
      case .acm: 626.0
      case .eccv: 549.14
      case .ieee, .revtex: 672.0
      case .elsevier: 682.0
      case .article: 550.0
      }
    return texPoints * Self.texPoint
  }

  /// The greatest height of a figure that leaves room for its caption.
  public var figureHeight: Double { textHeight - Self.captionAllowance }
}
