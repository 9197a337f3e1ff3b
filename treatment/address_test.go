package treatment_test

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// realAddresses has an address or more of each province. The part that is shown stands in front of
// the bar.
var realAddresses = []string{
	"北京市海淀区|中关村南大街5号", "北京市市辖区东城区|东长安街1号", "北京市北京市石景山区|鲁谷路74号", "北京朝阳区|建国路88号SOHO现代城",
	"天津市滨海新区|第三大街2号", "天津市和平区|南京路189号", "天津市经济技术开发区|广场东路20号",
	"河北省石家庄市长安区|中山东路10号", "河北省石家庄市井陉矿区|矿市街1号", "河北省承德市围场满族蒙古族自治县|围场镇", "河北省辛集市|朝阳路2号",
	"山西省太原市小店区|长风街1号", "山西省大同市云冈区|新平旺", "山西省晋城市城区|泽州路8号",
	"内蒙古自治区锡林郭勒盟锡林浩特市|锡林大街", "内蒙古自治区兴安盟科尔沁右翼前旗|科尔沁镇", "内蒙古呼伦贝尔市莫力达瓦达斡尔族自治旗|尼尔基镇",
	"内蒙古包头市达尔罕茂明安联合旗|百灵庙镇",
	"辽宁省沈阳市沈北新区|道义街", "辽宁省营口市西市区|渤海大街", "辽宁省朝阳市喀喇沁左翼蒙古族自治县|大城子街道",
	"吉林省吉林市船营区|北京路1号", "吉林市昌邑区|解放路", "吉林省延边朝鲜族自治州延吉市|光明街", "吉林延边州延吉市|河南街", "吉林延边延吉市|河南街",
	"黑龙江省大兴安岭地区漠河市|西林吉镇", "黑龙江省哈尔滨市道里区|中央大街1号", "黑龙江省齐齐哈尔市梅里斯达斡尔族区|龙江大街", "黑龙江省黑河市五大连池市|青山街道",
	"上海市浦东新区|张江路665号", "上海市黄浦区|人民大道200号", "上海市上海市徐汇区|漕溪北路",
	"江苏省苏州市昆山市|玉山镇", "江苏省昆山市|玉山镇前进路1号", "江苏省南京市雨花台区|软件大道", "江苏省苏州市|工业园区星湖街328号",
	"浙江省杭州市拱墅区|莫干山路", "杭州市西湖区|文三路90号", "浙江省丽水市景宁畲族自治县|鹤溪街道", "浙江省杭州市萧山区|市心路",
	"安徽省合肥市蜀山区|长江西路", "安徽省马鞍山市和县|历阳镇", "安徽省黄山市歙县|徽城镇",
	"福建省厦门市思明区|湖滨南路", "福建省南平市武夷山市|崇安街道", "福建省三明市沙县区|凤岗街道",
	"江西省赣州市赣县区|梅林镇", "江西省赣州市赣县|梅林镇", "江西省九江市共青城市|茶山街道", "江西吉安县|敦厚镇",
	"山东省青岛市李沧区|京口路", "山东省济南市市中区|经四路", "山东省德州市德城区|东风中路",
	"河南省郑州市二七区|大学路", "河南省郑州市管城回族区|东大街", "河南省济源市|沁园街道", "河南省新乡市红旗区|平原路", "河南省洛阳市瀍河回族区|启明南路",
	"湖北省恩施土家族苗族自治州利川市|都亭街道", "湖北省恩施州恩施市|舞阳坝街道", "湖北省仙桃市|沙嘴街道", "湖北省潜江市|园林街道",
	"湖北省省直辖县级行政区划天门市|竟陵街道",
	"湖北省神农架林区|松柏镇", "湖北黄石港区|湖滨大道", "湖北省荆州市沙市区|北京路",
	"湖南省湘西土家族苗族自治州吉首市|人民路", "湖南省湘西自治州凤凰县|沱江镇", "湖南省常德市津市市|汪家桥街道", "湖南省长沙市长沙县|星沙街道",
	"广东省东莞市|南城街道鸿福路99号", "东莞市|南城区鸿福路99号", "广东深圳市南山区|科技园", "广东深圳南山区|科技园", "广东省中山市|石岐街道",
	"广东省梅州市梅县区|程江镇",
	"广西壮族自治区南宁市西乡塘区|大学路", "广西自治区桂林市龙胜各族自治县|龙胜镇", "广西柳州市三江侗族自治县|古宜镇",
	"海南省三沙市|永兴岛北京路1号", "海南省琼海市|嘉积镇", "海南省儋州市|那大镇", "海南省白沙黎族自治县|牙叉镇", "海南省海口市美兰区|海府路",
	"重庆市石柱土家族自治县|南宾街道", "重庆市石柱县|南宾街道", "重庆市万州区|高笋塘", "重庆重庆市渝中区|解放碑", "重庆市两江新区|金渝大道",
	"四川省成都市双流区|东升街道", "四川省阿坝藏族羌族自治州九寨沟县|漳扎镇", "四川省凉山州西昌市|航天大道", "四川省乐山市市中区|嘉州大道",
	"贵州省六盘水市六枝特区|平寨街道", "贵州省黔东南苗族侗族自治州凯里市|北京路", "贵州毕节地区织金县|城关镇",
	"云南省西双版纳傣族自治州景洪市|允景洪街道", "云南省德宏傣族景颇族自治州芒市|勐焕街道", "云南省临沧市双江拉祜族佤族布朗族傣族自治县|勐勐镇",
	"西藏自治区那曲市色尼区|拉萨路", "西藏自治区拉萨市堆龙德庆区|世纪大道", "西藏阿里地区噶尔县|狮泉河镇",
	"陕西省西安市雁塔区|小寨西路", "陕西省榆林市神木市|神木大街", "陕西省延安市吴起县|吴起街道",
	"甘肃省临夏回族自治州积石山保安族东乡族撒拉族自治县|吹麻滩镇", "甘肃省张家川县|张家川镇", "甘肃省嘉峪关市|雄关街道", "甘肃省庆阳市宁县|新宁镇",
	"青海省海南藏族自治州共和县|恰卜恰镇", "海南州共和县|恰卜恰镇", "青海省黄南州河南蒙古族自治县|优干宁镇", "青海省海西蒙古族藏族自治州格尔木市|昆仑路",
	"宁夏回族自治区银川市兴庆区|解放东街", "宁夏石嘴山市大武口区|朝阳西街",
	"新疆维吾尔自治区伊犁哈萨克自治州伊宁市|解放路", "新疆阿克苏市|东大街", "新疆石河子市|北三路", "新疆维吾尔自治区乌鲁木齐市新市区|北京南路",
	"新疆塔什库尔干塔吉克自治县|塔什库尔干镇",
	"台湾省台北市大安区|和平东路", "香港特别行政区油尖旺区|弥敦道", "香港特别行政区|中环皇后大道中99号", "澳门特别行政区|南湾大马路",
}

func TestAddress(t *testing.T) {
	for _, row := range realAddresses {
		shown, hidden, _ := strings.Cut(row, "|")
		a, want := shown+hidden, strings.NewReplacer("市辖区", "", "省直辖县级行政区划",
			"").Replace(shown)+"****"
		if got := addressOf(t, a); got != want {
			t.Errorf("address of %q = %q, want %q", a, got, want)
		}
	}
	for _, test := range []struct{ name, address, want string }{
		{"a name in front", "李强北京市海淀区1号", "****"},
		{"a household in front", "寄王伟家北京市海淀区1号", "****"},
		{"names in front of suffixes of a city and a district", "王伟转李强收市南区1号", "****"},
		{"names only", "王伟省王伟市王伟区1号", "****"},
		{"a name as a city, after a province", "北京市李强市海淀区1号", "北京市****"},
		{"a household after a province", "广东省李强家东莞市南城街道", "广东省****"},
		{"a name in front of a district", "北京市王伟转海淀区1号", "北京市****"},
		{"a name and a district", "北京市王伟海淀区1号", "北京市****"},
		{"a name in front of a district of one character", "山西省晋城市王伟城区1号", "山西省晋城市****"},
		{"a name as a district", "北京市王伟区1号", "北京市****"},
		{"a name as a district, in traditional characters", "北京市張偉區1号", "北京市****"},
		{"a name as a county", "河北省石家庄市李强县1号", "河北省石家庄市****"},
		{"a name as a county's city", "江苏省苏州市李强市1号", "江苏省苏州市****"},
		{"a name of three as a district", "杭州市李晓明区1号", "****"},
		{"a name as an autonomous county", "河北省王伟满族自治县", "河北省****"},
		{"a name as an autonomous prefecture", "云南省王伟彝族自治州", "云南省****"},
		{"a name as a banner", "内蒙古自治区王伟左旗", "内蒙古自治区****"},
		{"a name after a province without its suffix", "北京王伟海淀区1号", "****"},
		{"a title", "广东省王伟县长", "广东省****"},
		{"a prefecture after a municipality", "北京市深圳市南山区1号", "北京市****"},
		{"a prefecture of another province", "广东省杭州市西湖区1号", "广东省****"},
		{"an invented city", "幸福市海淀区1号", "****"},
		{"an invented province", "幸福省杭州市西湖区1号", "****"},
		{"a city of a county's rank in front", "昆山市玉山镇1号", "****"},
		{"a prefecture without its suffix in front", "深圳南山区科技园", "****"},
		{"an estate", "浙江省杭州市锦园区3幢", "浙江省杭州市****"},
	} {
		if got := addressOf(t, test.address); got != test.want {
			t.Errorf("%s: address of %q = %q, want %q", test.name, test.address, got, test.want)
		}
	}
}

// A name that stands in front of an address, between its parts or within one is never shown.
func TestAddressHidesNames(t *testing.T) {
	surnames := []rune("王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖萧田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付" +
		"方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤張劉陳楊黃趙")
	given := []rune("伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂华文辉玲红建斌波鹏飞俊峰健浩宇鑫林凯琳雪梅燕琴" +
		"云洁倩颖慧婷佳欣怡梦子涵轩梓一诺雨泽嘉博思晨志国庆海东新生成民忠义德良")
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from []rune) string { return string(from[random.IntN(len(from))]) }
	// Names of people that are also names of places: they are shown if a suffix follows.
	const namesakes = "万秀 任泽 余庆 吴忠 常德 彭泽 梁平 武义 武平 武强 江东 江华 江海 田东 田林 白云 石峰 石林 罗平 贺兰 邵东 邹平 金东 金华 " +
		"金平 金林 金秀 陆良 雷波 高平 高新 高明 黄平 黄梅 黎平 龙华 龙文 龙海"
	for _, a := range realAddresses {
		shown, hidden, _ := strings.Cut(a, "|")
		a = shown + hidden
		for i := range shown {
			inserts := []string{"", "家", "转", "收"}
			if i == 0 || strings.ContainsAny(shown[i-3:i], "省区市州盟") {
				inserts = append(inserts, "省", "市", "区", "县", "自治县", "左旗")
			}
			for range 10 {
				name := pick(surnames) + pick(given)
				if random.IntN(2) == 0 {
					name += pick(given)
				}
				if strings.Contains(a, name) || strings.Contains(namesakes, name) {
					continue
				}
				for _, insert := range inserts {
					text := a[:i] + name + insert + a[i:]
					if got := addressOf(t, text); strings.Contains(got, name) {
						t.Errorf("address of %q = %q: it shows %s", text, got, name)
					}
				}
			}
		}
	}
}

// addressOf returns what the address mask makes of text, without its quotes.
func addressOf(t *testing.T, text string) string {
	t.Helper()
	return strings.Trim(applied(t, treatmentOf(t, "address"), `"`+text+`"`), `"`)
}
