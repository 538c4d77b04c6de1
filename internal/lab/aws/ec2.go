package aws

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"net/http"
)

var ec2Operations = map[string]operation{
	"DescribeVpcs":                     (*Server).describeVPCs,
	"DescribeVpcAttribute":             (*Server).describeVPCAttribute,
	"DescribeVpcClassicLink":           noClassicLink,
	"DescribeVpcClassicLinkDnsSupport": noClassicLink,
}

type xmlVPC struct {
	VPCID     string `xml:"vpcId"`
	OwnerID   string `xml:"ownerId"`
	State     string `xml:"state"`
	CIDRBlock string `xml:"cidrBlock"`
	IsDefault bool   `xml:"isDefault"`
}

type describeVPCsResponse struct {
	XMLName   xml.Name `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ DescribeVpcsResponse"`
	RequestID string   `xml:"requestId"`
	VPCs      []xmlVPC `xml:"vpcSet>item"`
}

// describeVPCs answers with two VPCs, whose IDs tell the account.
func (s *Server) describeVPCs(r *request) (any, *fault) {
	account := r.key.who.account
	ids := VPCs(account)
	return describeVPCsResponse{RequestID: requestID(), VPCs: []xmlVPC{
		{ids[0], account, "available", "10.0.0.0/16", true},
		{ids[1], account, "available", "10.1.0.0/16", false},
	}}, nil
}

type xmlBoolean struct {
	Value bool `xml:"value"`
}

type describeVPCAttributeResponse struct {
	XMLName      xml.Name    `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ DescribeVpcAttributeResponse"`
	RequestID    string      `xml:"requestId"`
	VPCID        string      `xml:"vpcId"`
	DNSHostnames *xmlBoolean `xml:"enableDnsHostnames"`
	DNSSupport   *xmlBoolean `xml:"enableDnsSupport"`
}

// describeVPCAttribute answers the two questions that Ansible asks about each
// VPC.
func (s *Server) describeVPCAttribute(r *request) (any, *fault) {
	answer := describeVPCAttributeResponse{RequestID: requestID(), VPCID: r.form.Get("VpcId")}
	switch r.form.Get("Attribute") {
	case "enableDnsHostnames":
		answer.DNSHostnames = &xmlBoolean{false}
	case "enableDnsSupport":
		answer.DNSSupport = &xmlBoolean{true}
	}
	return answer, nil
}

// noClassicLink is what regions without EC2-Classic, which is all of them since
// 2023, answer to questions about it; Ansible asks all the same.
func noClassicLink(*Server, *request) (any, *fault) {
	return nil, &fault{"UnsupportedOperation", http.StatusBadRequest, "The functionality you requested is not available in this region."}
}

// VPCs returns the IDs of the two VPCs of an account.
func VPCs(account string) [2]string {
	sum := sha256.Sum256([]byte(account))
	text := hex.EncodeToString(sum[:])
	return [2]string{"vpc-" + text[:17], "vpc-" + text[17:34]}
}
