"""Words that tasks about scenes use and captions do not.

A question about a scene, asked of a model that was trained on captions, would otherwise be spelled
in pieces that nobody has ever seen.
"""

LEXICON = """
what which who where when why how many much is are was were be there here a an the of in on at to
from by for and or but not no yes true false does do did has have had can could picture pictures
image images photo scene contain contains contained show shows showing shown see seen present
visible hidden shape shapes thing things object objects item items colour colours coloured color
colors colored size sizes kind kinds type same different other another one two three four five six
seven eight nine ten zero none only both each every either neither exactly least most more fewer
less than as number count total together all some any left right top bottom middle centre center
corner side above below over under beneath beside between next near behind front inside outside
edge upper lower large larger largest small smaller smallest big bigger biggest little medium tiny
huge gray teal gold silver rectangle rectangles oval ovals line lines box boxes touching it its
they them this that these those with without
"""
