"""The functions that Torch7 source brings along for what `nn` does not have; each may use those before it."""

from __future__ import annotations

FUNCTIONS = {
    "signs": """\
-- +1 and -1, written + and -
local function signs(rows)
   local values = torch.Tensor(#rows, #rows[1])
   for row = 1, #rows do
      for column = 1, #rows[row] do
         values[row][column] = rows[row]:sub(column, column) == '+' and 1 or -1
      end
   end
   return values
end
""",
    "connections": """\
-- pairs of an input map and the filter that sees it, as SpatialConvolutionMap takes them
local function connections(rows)
   local pairs_of_maps = {}
   for filter, maps in ipairs(rows) do
      for _, map in ipairs(maps) do
         table.insert(pairs_of_maps, {map, filter})
      end
   end
   return torch.Tensor(pairs_of_maps)
end
""",
    "scaled_tanh": """\
-- 1.7159 tanh(2x/3), which is 1 at 1 (LeCun and others 1998, appendix A)
local function scaled_tanh()
   return nn.Sequential():add(nn.MulConstant(2 / 3)):add(nn.Tanh()):add(nn.MulConstant(1.7159))
end
""",
    "hard_sigmoid": """\
-- relu6(x + 3) / 6
local function hard_sigmoid()
   return nn.Sequential():add(nn.AddConstant(3)):add(nn.ReLU6()):add(nn.MulConstant(1 / 6))
end
""",
    "times": """\
-- x times what a module makes of it
local function times(module)
   return nn.Sequential()
      :add(nn.ConcatTable():add(nn.Identity()):add(module))
      :add(nn.CMulTable())
end
""",
    "grouped": """\
-- a convolution for each group of maps, their outputs side by side
local function grouped(groups, inputs, outputs, convolution)
   local concat = nn.Concat(2)
   for group = 1, groups do
      concat:add(nn.Sequential()
         :add(nn.Narrow(2, (group - 1) * inputs / groups + 1, inputs / groups))
         :add(convolution(inputs / groups, outputs / groups)))
   end
   return concat
end
""",
    "shuffle": """\
-- the maps of groups interleaved
local function shuffle(channels, groups)
   local maps = nn.Concat(2)
   for place = 0, channels - 1 do
      maps:add(nn.Narrow(2, place % groups * channels / groups + math.floor(place / groups) + 1, 1))
   end
   return maps
end
""",
    "rbf": """\
-- the squared distance to each of fixed centres: the smaller, the nearer
local function rbf(centres)
   local distance = nn.Euclidean(centres:size(2), centres:size(1))
   distance.weight:copy(centres:t())
   distance.accGradParameters = function() end
   return nn.Sequential():add(distance):add(nn.Square())
end
""",
    "ScaleMaps": """\
-- maps times one factor each: takes {maps, factors}
local ScaleMaps = torch.class('nn.ScaleMaps', 'nn.Module')

function ScaleMaps:updateOutput(input)
   local maps = input[1]
   local factors = input[2]:view(maps:size(1), maps:size(2), 1, 1):expandAs(maps)
   self.output:resizeAs(maps):cmul(maps, factors)
   return self.output
end

function ScaleMaps:updateGradInput(input, gradOutput)
   local maps = input[1]
   local factors = input[2]:view(maps:size(1), maps:size(2), 1, 1):expandAs(maps)
   local sums = torch.cmul(gradOutput, maps):view(maps:size(1), maps:size(2), -1):sum(3)
   self.gradInput = {torch.cmul(gradOutput, factors), sums:viewAs(input[2])}
   return self.gradInput
end
""",
}
"""The source of each, by name."""

_KEYWORDS = """
and break do else elseif end false for function goto if in local nil not or repeat return then true until while
"""
KEYWORDS = frozenset(_KEYWORDS.split())
"""Words of Lua that a name cannot be."""
