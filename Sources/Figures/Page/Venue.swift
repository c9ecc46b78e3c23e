/// Where a figure is printed, with the widths that fit its pages.
///
/// Widths in PostScript points of 1/72 inch, from the venues' own style files: at 100 % a figure's type
/// stays the size it was set in. Sources: cvpr-org/author-kit cvpr.sty, borisveytsman/acmart
/// acmart.dtx, pnkraemer/tueplots figsizes.py.
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

  /// The smallest type of a figure: what the venue's style sets small type in, or its rule for figures.
  ///
  /// AAAI requires labels of 9 points; SIGGRAPH and ACM set text in 9 points and figures in at most 8.
  public var typeSize: Double {
    switch self {
    case .icml: 6
    case .neurips, .cvpr, .siggraph, .acm, .eccv: 7
    case .aaai: 9
    }
  }

  /// The typeface that matches the venue's own: Times, except for ACM, which sets captions in a sans serif.
  public var typeface: Typeface {
    switch self {
    case .neurips, .icml, .cvpr, .eccv, .aaai: .serif
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
    }
  }
}
